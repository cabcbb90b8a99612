using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>
/// What a silo does that was declared dead, or cannot go on. Orleans ends the process, and here that would end all tests: the
/// silo stops instead, as if it had been killed. Register it as <see cref="IFatalErrorHandler"/> in every silo of a test.
/// </summary>
internal sealed class SiloCrash(IServiceProvider services) : IFatalErrorHandler
{
    public bool IsUnexpected(Exception exception) => true;

    public void OnFatalException(object? sender, string? context, Exception? exception)
    {
        TestContext.Current.SendDiagnosticMessage("A silo has ended: {0} {1}", context, exception);
        _ = Task.Run(() => services.GetRequiredService<IHost>().StopAsync(new CancellationToken(canceled: true)));
    }
}
