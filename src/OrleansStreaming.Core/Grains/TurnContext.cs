using System.Buffers;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>
/// The context of one turn, and the buffer of what it emits until it ends. A silo reuses one for all turns that complete
/// at once; a turn that goes on asynchronously keeps its own.
/// </summary>
internal sealed class TurnContext() : EventContext(engine: true), IBufferWriter<byte>
{
    private Output[] _outputs = new Output[4];
    private int _outputCount;
    private readonly List<PendingRequest> _requests = [];
    private readonly List<string> _cancelled = [];
    private readonly byte[] _key = new byte[KeyCodec.MaxBytes];
    private byte[] _buffer = new byte[1024];
    private int _used;
    private int _keyLength;
    private bool _active;
    private OperatorHost? _host;
    private long _offset;
    private long _time;
    private Random? _random;
    private int _requestCount;

    /// <summary>An encoded event to be sent when the turn ends.</summary>
    internal readonly record struct Output(StreamDefinition Stream, byte Type, int Key, int KeyLength, int Payload, int PayloadLength);

    /// <summary>The key of the grain; valid until more is kept.</summary>
    public ReadOnlySpan<byte> GrainKey => Bytes(0, _keyLength);

    /// <summary>What has been emitted, in its order.</summary>
    public ReadOnlySpan<Output> Outputs => _outputs.AsSpan(0, _outputCount);

    public List<PendingRequest> Requests => _requests;

    public List<string> CancelledTimers => _cancelled;

    public long TimeMicros => _time;

    public override string Stream => Host.Type.Definition.From.Name;

    public override Offset Offset => new(Check(_offset));

    public override DateTimeOffset Time => DateTimeOffset.UnixEpoch.AddMicroseconds(Check(_time));

    public override Random Random => _random ??= RandomOf(GrainKey, Check(_offset), Host.Type.Definition.Id);

    public override CancellationToken CancellationToken => Check(Host.Stopping);

    private OperatorHost Host => _active ? _host! : throw Ended();

    public ReadOnlySpan<byte> Bytes(int start, int length) => _buffer.AsSpan(start, length);

    public void Begin(OperatorHost host, ReadOnlySpan<byte> key, long offset, long time)
    {
        if (!ReferenceEquals(_host, host))
        {
            _host = host;
        }

        _offset = offset;
        _time = time;
        _random = null;
        _requestCount = 0;
        _outputCount = 0; // What is left there refers to streams, which stay.
        _requests.Clear();
        _cancelled.Clear();
        _used = 0;
        _keyLength = key.Length;
        Copy(key); // Where it comes from may move when the turn has outputs.
        _active = true;
    }

    public void End() => _active = false;

    /// <summary>How much of the buffer is in use.</summary>
    public int Kept => _used;

    /// <summary>An operator is given up: nothing of it is held on to.</summary>
    public void Forget(OperatorHost host) => _host = ReferenceEquals(_host, host) ? null : _host;

    /// <summary>Keeps a copy of some bytes, behind what it keeps already.</summary>
    public void Keep(ReadOnlySpan<byte> bytes) => Copy(bytes);

    /// <summary>Keeps a copy of a row, behind what it keeps already; returns where it ends.</summary>
    public int Keep(in Row row)
    {
        Reserve(row.MaxSize);
        return _used += row.Write(_buffer.AsSpan(_used), row.Time);
    }

    public override void Emit<TEvent>(string stream, TEvent @event)
    {
        StreamDefinition target = FindOutput(stream);
        EventType<TEvent> type = target.Find<TEvent>() ?? throw new InvalidOperationException(
            $"Operator '{Host.Type.Definition.Name}' emits a {typeof(TEvent).Name} to stream '{stream}', which carries {string.Join(", ", target.Types.Select(t => t.ClrType.Name))}.");
        int keyLength = type.Key(in @event, _key);
        int key = Copy(_key.AsSpan(0, keyLength));
        int payload = _used;
        type.Serializer.Write(in @event, this);
        Add(new Output(target, (byte)type.Index, key, keyLength, payload, _used - payload));
    }

    public void EmitEncoded(StreamDefinition target, byte type, ReadOnlySpan<byte> key, ReadOnlySpan<byte> payload)
    {
        int keyAt = Copy(key), payloadAt = Copy(payload);
        Add(new Output(target, type, keyAt, key.Length, payloadAt, payload.Length));
    }

    public override void SetTimer(string name, TimeSpan due)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (System.Text.Encoding.UTF8.GetByteCount(name) > 256)
        {
            throw new ArgumentException("The name of a timer has at most 256 bytes.", nameof(name));
        }

        CancelTimer(name);
        _cancelled.Remove(name);
        _cancelled.Add(name);
        _requests.Add(new PendingRequest(new RecordName(Check(_offset), _requestCount++), RecordKind.Timer, name, _time + (long)due.TotalMicroseconds, []));
    }

    public override void CancelTimer(string name)
    {
        Check(0);
        _requests.RemoveAll(r => r.Kind == RecordKind.Timer && r.Tag == name);
        _cancelled.Add(name);
    }

    public override void Call<TRequest>(TRequest request)
    {
        IEventSerializer<TRequest> serializer = Host.Serializers.Get<TRequest>();
        var bytes = new ArrayBufferWriter<byte>();
        serializer.Write(in request, bytes);
        _requests.Add(new PendingRequest(new RecordName(_offset, _requestCount++), RecordKind.CallResult, typeof(TRequest).FullName!, 0, bytes.WrittenSpan.ToArray()));
    }

    void IBufferWriter<byte>.Advance(int count) => _used += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Reserve(Math.Max(sizeHint, 64));
        return _buffer.AsMemory(_used);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        Reserve(Math.Max(sizeHint, 64));
        return _buffer.AsSpan(_used);
    }

    private StreamDefinition FindOutput(string stream)
    {
        IReadOnlyList<StreamDefinition> outputs = Host.Type.Definition.To;
        for (int i = 0; i < outputs.Count; i++)
        {
            if (outputs[i].Name == stream)
            {
                return outputs[i];
            }
        }

        throw new InvalidOperationException(
            $"Operator '{Host.Type.Definition.Name}' emits to stream '{stream}', which it does not declare. Add it: AddOperator<{Host.Type.Definition.GrainType?.Name}>(from: \"{Stream}\", to: [..., \"{stream}\"]).");
    }

    private void Add(in Output output)
    {
        if (_outputCount == _outputs.Length)
        {
            Array.Resize(ref _outputs, _outputCount * 2);
        }

        _outputs[_outputCount++] = output;
    }

    private int Copy(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_used));
        int at = _used;
        _used += bytes.Length;
        return at;
    }

    private void Reserve(int size)
    {
        if (_used + size > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_used + size, _buffer.Length * 2));
        }
    }

    /// <summary>The random numbers of a turn: the same on every run of it.</summary>
    internal static Random RandomOf(ReadOnlySpan<byte> key, long offset, int operatorId)
    {
        ulong seed = KeyHash.Compute(key) ^ ((ulong)offset * 0x9E3779B97F4A7C15) ^ (ulong)operatorId;
#pragma warning disable RS0030 // Seeded: the same on every run of the turn.
        return new Random((int)(seed ^ (seed >> 32)));
#pragma warning restore RS0030
    }

    private T Check<T>(T value) => _active ? value : throw Ended();

    private static InvalidOperationException Ended() => new("The turn that this context belongs to has ended. Await everything that a turn starts.");
}

/// <summary>A timer or recorded call that a grain waits for: part of its state, hence of its checkpoints.</summary>
/// <param name="Name">The input that asked, and an ordinal.</param>
/// <param name="Kind"><see cref="RecordKind.Timer"/> or <see cref="RecordKind.CallResult"/>.</param>
/// <param name="Tag">The timer's name, or the type of the request.</param>
/// <param name="Due">When a timer fires, microseconds since 1970 UTC.</param>
/// <param name="Request">The encoded request of a call.</param>
internal sealed record PendingRequest(RecordName Name, RecordKind Kind, string Tag, long Due, byte[] Request);
