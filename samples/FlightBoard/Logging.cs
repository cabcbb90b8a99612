using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Filters;
using Spectre.Console;

namespace FlightBoard;

/// <summary>Everything from Information goes to a file in the data folder; warnings go to the console, too.</summary>
internal static class Logging
{
    private const string Template = "{Timestamp:HH:mm:ss.fff} {Level:u3} {SourceContext} {Message:lj}{NewLine}{Exception}";

    public static Logger Create(string folder)
    {
        return new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .WriteTo.File(Path.Combine(folder, "flightboard-.log"), rollingInterval: RollingInterval.Day, outputTemplate: Template, shared: true)
            .WriteTo.Logger(console => ToConsole(console
                .MinimumLevel.Warning()
                .Enrich.With<ErrorMessage>()
                .Filter.ByExcluding(Matching.FromSource("Microsoft.Extensions.Hosting")))) // A start that fails is reported by Program.
            .CreateLogger();
    }

    private static LoggerConfiguration ToConsole(LoggerConfiguration console) => ConsoleProgress.IsLive
        ? console.WriteTo.Sink(new AboveTheTable())
        : console.WriteTo.Console(outputTemplate: "{Level:u3} {Message:lj}{ErrorMessage:l}{NewLine}", standardErrorFromLevel: LogEventLevel.Verbose);

    /// <summary>The console has the message of an exception; its stack is in the file.</summary>
    private sealed class ErrorMessage : ILogEventEnricher
    {
        public static string Of(Exception? error) => error is null ? string.Empty : $": {error.Message}";

        public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory) =>
            logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty(nameof(ErrorMessage), Of(logEvent.Exception)));
    }

    /// <summary>Writes through the console that draws the live table, so that a warning does not tear it.</summary>
    private sealed class AboveTheTable : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            string colour = logEvent.Level >= LogEventLevel.Error ? "red" : "yellow";
            AnsiConsole.MarkupLineInterpolated($"[{colour}]{logEvent.Timestamp:HH:mm:ss} {logEvent.RenderMessage()}{ErrorMessage.Of(logEvent.Exception)}[/]");
        }
    }
}
