using System.Reflection;

string version = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "OrleansVersion").Value!;
Console.Error.WriteLine($"FlightCluster needs Orleans, and the package sources that this was built with do not have Microsoft.Orleans.Server {version}.");
return 2;
