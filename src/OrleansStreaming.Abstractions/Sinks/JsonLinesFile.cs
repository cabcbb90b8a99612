using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OrleansStreaming;

/// <summary>
/// One data file with its sidecar. The sidecar decides: what the data file holds beyond the committed length was never
/// written.
/// </summary>
internal sealed class JsonLinesFile
{
    // Silos of one process take turns here; between processes the sidecar is the lock.
    private static readonly ConcurrentDictionary<string, SemaphoreSlim> Turns = new(StringComparer.Ordinal);

    private readonly string _folder;
    private readonly string _data;
    private readonly string _positions;
    private readonly SemaphoreSlim _turn;

    public JsonLinesFile(string folder, string stream, int partition)
    {
        _folder = Path.GetFullPath(folder);
        string name = string.Create(CultureInfo.InvariantCulture, $"{Escape(stream)}-{partition}");
        _data = Path.Combine(_folder, name + ".jsonl");
        _positions = Path.Combine(_folder, name + ".pos");
        _turn = Turns.GetOrAdd(_data, static _ => new SemaphoreSlim(1, 1));
    }

    /// <summary>Makes an owner the only one that may write, and cuts off what was not committed.</summary>
    public async ValueTask<Offset> OpenAsync(SinkPartition owner, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            DurableFolder.Create(_folder);
            using PositionLog log = await PositionLog.OpenAsync(_positions, cancellationToken).ConfigureAwait(false);
            return Open(log, owner);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Appends whole lines; either all of them are committed with the position, or none.</summary>
    public async ValueTask CommitAsync(SinkPartition owner, Offset from, Offset to, ReadOnlyMemory<byte> lines, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using PositionLog log = await PositionLog.OpenAsync(_positions, cancellationToken).ConfigureAwait(false);
            Commit(log, owner, from, to, lines.Span);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>A name that is one file on every system, and different for different streams.</summary>
    internal static string Escape(string name)
    {
        StringBuilder escaped = new();
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            char c = (char)b;
            _ = char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'
                ? escaped.Append(c)
                : escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return escaped.ToString();
    }

    private Offset Open(PositionLog log, SinkPartition owner)
    {
        uint deployment = PositionRecord.HashOf(owner.Deployment);
        if (log.Last is not { } last)
        {
            // The first record is on disk before there is a data file, so data without a record is not ours to cut.
            if (new FileInfo(_data) is { Exists: true, Length: > 0 })
            {
                throw new InvalidDataException($"{_data} has content, but {_positions} does not say which: move the data file away to start anew.");
            }

            log.Append(new PositionRecord(owner.OwnershipEpoch, Offset.None, 0, deployment));
            DurableFolder.Flush(_folder);
            return Offset.None;
        }

        if (last.Deployment != 0 && deployment != 0 && last.Deployment != deployment)
        {
            // Its offsets are those of other events: to go on from there would leave events out.
            throw new InvalidDataException($"{_data} was written by another deployment: move it and {_positions} away, or choose another folder.");
        }

        RefuseNewer(last, owner.OwnershipEpoch);
        using (SafeFileHandle? data = OpenData(last))
        {
            if (data is not null && RandomAccess.GetLength(data) > last.Length)
            {
                RandomAccess.SetLength(data, last.Length);
                RandomAccess.FlushToDisk(data);
            }
        }

        if (last.Epoch < owner.OwnershipEpoch)
        {
            log.Append(last with { Epoch = owner.OwnershipEpoch, Deployment = deployment == 0 ? last.Deployment : deployment }); // from now on an older owner is refused
        }

        return last.Offset;
    }

    private void Commit(PositionLog log, SinkPartition owner, Offset from, Offset to, ReadOnlySpan<byte> lines)
    {
        if (log.Last is not { } last)
        {
            throw new SinkFencedException($"{_positions} has no position: open the sink again.");
        }

        RefuseNewer(last, owner.OwnershipEpoch);
        if (last.Offset != from)
        {
            throw new SinkFencedException($"{_data} is at {last.Offset}, and the batch starts at {from}: somebody else has written.");
        }

        using (SafeFileHandle data = OpenData(last) ?? CreateData())
        {
            if (RandomAccess.GetLength(data) > last.Length)
            {
                RandomAccess.SetLength(data, last.Length);
            }

            RandomAccess.Write(data, lines, last.Length);
            RandomAccess.FlushToDisk(data);
        }

        log.Append(last with { Epoch = owner.OwnershipEpoch, Offset = to, Length = last.Length + lines.Length });
    }

    private void RefuseNewer(PositionRecord last, int epoch)
    {
        if (last.Epoch > epoch)
        {
            throw new SinkFencedException($"{_data} was last opened by ownership epoch {last.Epoch}, and this is epoch {epoch}: "
                + "a newer owner writes it, or it is left from another deployment and must be moved away.");
        }
    }

    private SafeFileHandle? OpenData(PositionRecord last)
    {
        long length = 0;
        if (File.Exists(_data))
        {
            SafeFileHandle data = File.OpenHandle(_data, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            length = RandomAccess.GetLength(data);
            if (length >= last.Length)
            {
                return data;
            }

            data.Dispose();
        }

        return last.Length == 0
            ? null
            : throw new InvalidDataException($"{_data} has {length} bytes, and {last.Length} were committed: restore it, or move it and {_positions} away to write both again.");
    }

    private SafeFileHandle CreateData()
    {
        SafeFileHandle data = File.OpenHandle(_data, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);
        DurableFolder.Flush(_folder);
        return data;
    }
}
