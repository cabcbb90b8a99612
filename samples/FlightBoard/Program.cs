using FlightBoard;
using Flights;

if (Options.Parse(args, out int exitCode) is not { } options)
{
    return exitCode;
}

try
{
    return await FlightBoardApp.RunAsync(options);
}
catch (UserException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
