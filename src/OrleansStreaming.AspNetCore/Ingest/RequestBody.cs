using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansStreaming.AspNetCore;

/// <summary>The body of a request, read whole up to a limit; never more than about twice what has arrived is held.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int FirstBytes = 16 << 10;
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int _length;

    private RequestBody()
    {
    }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, _length);

    /// <summary>Reads the body; null when it is longer than the limit.</summary>
    public static async Task<RequestBody?> ReadAsync(HttpContext http, int limit, CancellationToken cancellationToken)
    {
        // The limit here is the engine's, not the server's, which would cut off a client that is still sending.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = null;
        }

        if (http.Request.ContentLength > limit)
        {
            return null;
        }

        var body = new RequestBody();
        try
        {
            if (await body.ReadToEndAsync(http.Request.BodyReader, limit, cancellationToken).ConfigureAwait(false))
            {
                return body;
            }
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            // The server's own limit, where it cannot be changed.
        }
        catch
        {
            body.Dispose();
            throw;
        }

        body.Dispose();
        return null;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _length = 0;
    }

    private async Task<bool> ReadToEndAsync(PipeReader reader, int limit, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (_length + buffer.Length > limit)
            {
                reader.AdvanceTo(buffer.End);
                return false;
            }

            Append(buffer, limit);
            reader.AdvanceTo(buffer.End);
            if (read.IsCompleted)
            {
                return true;
            }
        }
    }

    private void Append(in ReadOnlySequence<byte> buffer, int limit)
    {
        int needed = _length + (int)buffer.Length;
        if (needed > _bytes.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Min(limit, _bytes.Length * 2)));
            Span.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        buffer.CopyTo(_bytes.AsSpan(_length));
        _length = needed;
    }
}
