namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>A body that comes in small pieces with pauses, or breaks off.</summary>
/// <param name="inner">The body.</param>
/// <param name="breaksAt">After so many bytes the connection breaks.</param>
/// <param name="pause">Milliseconds before each of the first pieces.</param>
internal sealed class BadBody(Stream inner, int breaksAt, int pause) : Stream
{
    private const int SlowPieces = 50;
    private int _read;
    private int _pieces;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (pause > 0 && _pieces++ < SlowPieces)
        {
            await Task.Delay(pause, cancellationToken);
            buffer = buffer[..Math.Min(buffer.Length, 700)];
        }

        int read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, Math.Max(1L, (long)breaksAt - _read))], cancellationToken);
        _read += read;
        return _read > breaksAt ? throw new IOException("Connection reset by peer") : read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        int read = inner.Read(buffer, offset, (int)Math.Min(count, Math.Max(1L, (long)breaksAt - _read)));
        _read += read;
        return _read > breaksAt ? throw new IOException("Connection reset by peer") : read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing) => inner.Dispose();
}
