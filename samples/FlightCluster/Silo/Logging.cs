using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Filters;

namespace FlightCluster.Silo;

/// <summary>The console has what the application and streaming say, and warnings of the rest; the file has what Orleans says, too.</summary>
internal static class Logging
{
    private const string Template = "{Timestamp:HH:mm:ss.fff} {Level:u3} {SourceContext} {Message:lj}{NewLine}{Exception}";

    private static readonly Func<LogEvent, bool> FromOrleans = Matching.FromSource("Orleans");

    public static Logger Create(string name, string? folder)
    {
        LoggerConfiguration log = new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .WriteTo.Logger(console => console
                .Filter.ByExcluding(e => e.Level < LogEventLevel.Warning && FromOrleans(e))
                .WriteTo.Console(outputTemplate: Template));
        if (folder is not null)
        {
            log.WriteTo.File(Path.Combine(folder, $"{name}-.log"), rollingInterval: RollingInterval.Day, outputTemplate: Template);
        }

        return log.CreateLogger();
    }
}
