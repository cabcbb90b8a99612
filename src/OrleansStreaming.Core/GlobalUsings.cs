global using OrleansStreaming.Topologies;
