using System.Runtime.InteropServices;

namespace FlightBoard;

/// <summary>Ctrl+C and SIGTERM before there is a host to see to them.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _interrupted = new();
    private readonly PosixSignalRegistration[] _signals;

    public Interruption() => _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        _interrupted.Cancel();
    }))];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _interrupted.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
        {
            signal.Dispose();
        }

        _interrupted.Dispose();
    }
}
