using System.Diagnostics;
using System.Globalization;

/// <summary>Says how far a long run has come: in one line that changes, or in a plain line now and then when nobody watches.</summary>
internal sealed class Progress(ulong seeds, double minutes) : IDisposable
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Stopwatch _told = Stopwatch.StartNew();
    private readonly bool _watched = !Console.IsOutputRedirected;
    private int _width;

    public TimeSpan Elapsed => _watch.Elapsed;

    public void Tell(long done, long failed)
    {
        if (_told.Elapsed < (_watched ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(30)))
        {
            return;
        }

        _told.Restart();
        double rate = done / _watch.Elapsed.TotalSeconds;
        TimeSpan left = minutes > 0 ? TimeSpan.FromMinutes(minutes) - _watch.Elapsed : TimeSpan.FromSeconds((seeds - (double)done) / Math.Max(rate, 0.001));
        string line = string.Create(CultureInfo.InvariantCulture, $"{done}{(minutes > 0 ? "" : $" of {seeds}")} seeds, {failed} failed, {rate:F0} a second, {left:hh\\:mm\\:ss} left");
        if (_watched)
        {
            Console.Write($"\r{line.PadRight(_width)}");
            _width = line.Length;
        }
        else
        {
            Console.WriteLine(line);
        }
    }

    /// <summary>Clears the changing line, so that another may be written.</summary>
    public void Clear()
    {
        if (_watched && _width > 0)
        {
            Console.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }
    }

    public void Dispose() => Clear();
}
