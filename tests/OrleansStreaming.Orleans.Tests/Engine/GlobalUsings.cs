global using Orleans;
global using Orleans.Runtime;
global using OrleansStreaming.Engine;
global using MemberStatus = Orleans.Runtime.SiloStatus;
