global using Orleans;
global using Orleans.Runtime;
global using MemberStatus = Orleans.Runtime.SiloStatus;
