using FlightCluster.Drive;
using FlightCluster.Silo;

try
{
    return args is ["drive", ..] ? await DriveApp.RunAsync(args[1..]) : await SiloApp.RunAsync(args);
}
catch (UserException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
