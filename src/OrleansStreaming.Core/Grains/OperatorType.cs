using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>What Core knows of a grain class: how to make an instance, run a turn, and copy the state.</summary>
internal abstract class OperatorType
{
    public required OperatorDefinition Definition { get; init; }

    /// <summary>Whether states are plain memory: then copies are cheap and taken often.</summary>
    public abstract bool CheapCopies { get; }

    public abstract OperatorGrain? Create(ReadOnlySpan<byte> key, IServiceProvider services);

    public abstract ValueTask OnEvent(OperatorGrain? grain, byte type, ReadOnlySpan<byte> payload, TurnContext context);

    public abstract ValueTask OnTimer(OperatorGrain? grain, string name, TurnContext context);

    public abstract ValueTask OnResult(OperatorGrain? grain, string requestType, ReadOnlySpan<byte> request, ReadOnlySpan<byte> result, TurnContext context);

    /// <summary>Does a recorded call and returns the encoded answer.</summary>
    public abstract ValueTask<byte[]> Call(OperatorGrain? grain, string requestType, ReadOnlyMemory<byte> request, CancellationToken cancellationToken);

    /// <summary>Keeps a copy of a state until the next call: what a turn changes can be undone. Only where <see cref="CheapCopies"/>.</summary>
    public abstract void SaveState(OperatorGrain? grain);

    /// <summary>Keeps what <see cref="SavedState"/> gave before, as other states have been kept since.</summary>
    public abstract void SaveAgain(ReadOnlySpan<byte> saved);

    /// <summary>The copy, encoded.</summary>
    public abstract ReadOnlySpan<byte> SavedState();

    /// <summary>Memory for copies; null unless <see cref="CheapCopies"/>.</summary>
    public abstract StateCopies? NewCopies();

    /// <summary>How many grains of it are in the silo's memory.</summary>
    public int Resident { get; set; }

    /// <summary>There are more than there should be.</summary>
    public bool IsCrowded => Definition.Options.MaxResident > 0 && Resident > Definition.Options.MaxResident;

    public abstract void WriteState(OperatorGrain? grain, IBufferWriter<byte> output);

    public abstract void ReadState(OperatorGrain? grain, ReadOnlySpan<byte> bytes);

    public abstract void WriteStateJson(OperatorGrain? grain, Utf8JsonWriter output);

    public abstract string KeyText(ReadOnlySpan<byte> key);

    public static OperatorType For(OperatorDefinition definition, Topology topology)
    {
        if (definition.GrainType is null)
        {
            return new RelayType { Definition = definition };
        }

        Type baseType = definition.GrainType;
        while (!baseType.IsGenericType || baseType.GetGenericTypeDefinition() != typeof(OperatorGrain<,>))
        {
            baseType = baseType.BaseType ?? throw new InvalidOperationException($"{definition.GrainType} is not an OperatorGrain<TKey, TState>");
        }

        Type type = typeof(OperatorType<,,>).MakeGenericType([definition.GrainType, .. baseType.GetGenericArguments()]);
        return (OperatorType)Activator.CreateInstance(type, definition, topology)!;
    }
}

/// <inheritdoc cref="OperatorType"/>
internal sealed class OperatorType<TGrain, TKey, TState> : OperatorType
    where TGrain : OperatorGrain<TKey, TState>
    where TKey : notnull
    where TState : new()
{
    /// <summary>Compiled when first needed: once, not for every silo.</summary>
    private static readonly ObjectFactory<TGrain> Factory = ActivatorUtilities.CreateFactory<TGrain>(Type.EmptyTypes);

    private readonly IEventSerializer<TState> _state;
    private readonly JsonSerializerOptions _json;
    private readonly EventInvoker<TGrain>[] _events;
    private readonly Dictionary<string, CallInvoker<TGrain>> _calls;
    private readonly ArrayBufferWriter<byte> _encoded = new(64);
    private TState _saved = new();

    [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
    public OperatorType(OperatorDefinition definition, Topology topology)
    {
        Definition = definition;
        _state = topology.Serializers.Get<TState>();
        _json = topology.Serializers.Json;
        _events = [.. definition.From.Types.Select(EventInvoker<TGrain>.For)];
        _calls = CallInvoker<TGrain>.Find(topology.Serializers);
    }

    public override bool CheapCopies => !RuntimeHelpers.IsReferenceOrContainsReferences<TState>();

    public override OperatorGrain Create(ReadOnlySpan<byte> key, IServiceProvider services)
    {
        TGrain grain = Factory(services, null);
        grain.Key = KeyCodec.Decode<TKey>(key);
        return grain;
    }

    public override ValueTask OnEvent(OperatorGrain? grain, byte type, ReadOnlySpan<byte> payload, TurnContext context) =>
        _events[type].Invoke(Unsafe.As<TGrain>(grain!), payload, context); // Made by Create: no need to look at its type again.

    public override ValueTask OnTimer(OperatorGrain? grain, string name, TurnContext context) =>
        grain is IOnTimer timers
            ? timers.OnTimer(name, context)
            : throw new InvalidOperationException($"{typeof(TGrain)} has a timer '{name}' but does not implement {nameof(IOnTimer)}");

    public override ValueTask OnResult(OperatorGrain? grain, string requestType, ReadOnlySpan<byte> request, ReadOnlySpan<byte> result, TurnContext context) =>
        FindCall(requestType).OnResult((TGrain)grain!, request, result, context);

    public override ValueTask<byte[]> Call(OperatorGrain? grain, string requestType, ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
        FindCall(requestType).Call((TGrain)grain!, request, cancellationToken);

    public override void SaveState(OperatorGrain? grain) => _saved = Unsafe.As<TGrain>(grain!).StateField;

    public override void SaveAgain(ReadOnlySpan<byte> saved) => _saved = _state.Read(saved);

    public override StateCopies? NewCopies() => CheapCopies ? new Copies(this) : null;

    public override ReadOnlySpan<byte> SavedState()
    {
        _encoded.ResetWrittenCount();
        _state.Write(in _saved, _encoded);
        return _encoded.WrittenSpan;
    }

    public override void WriteState(OperatorGrain? grain, IBufferWriter<byte> output) => _state.Write(in ((TGrain)grain!).StateField, output);

    public override void ReadState(OperatorGrain? grain, ReadOnlySpan<byte> bytes) => ((TGrain)grain!).StateField = _state.Read(bytes);

    public override void WriteStateJson(OperatorGrain? grain, Utf8JsonWriter output) => JsonSerializer.Serialize(output, ((TGrain)grain!).StateField, _json);

    public override string KeyText(ReadOnlySpan<byte> key) => KeyCodec.ToText(Definition.From.KeyKind, key);

    private CallInvoker<TGrain> FindCall(string requestType) =>
        _calls.TryGetValue(requestType, out CallInvoker<TGrain>? call)
            ? call
            : throw new InvalidOperationException($"{typeof(TGrain)} asked for a call of {requestType} but does not implement ICall for it");

    private sealed class Copies(OperatorType<TGrain, TKey, TState> type) : StateCopies
    {
        private readonly Ring<TState> _states = new();

        public override void Take(long number) => _states[number] = type._saved;

        public override void Restore(long number, OperatorGrain? grain) => ((TGrain)grain!).StateField = _states[number];

        public override void Move(long from, long to) => _states[to] = _states[from];

        public override void Resize(int capacity, long first, long end) => _states.Resize(capacity, first, end);
    }
}

/// <summary>Copies each event of its input to the inbox of an operator that reads several streams.</summary>
internal sealed class RelayType : OperatorType
{
    public override bool CheapCopies => true;

    public override OperatorGrain? Create(ReadOnlySpan<byte> key, IServiceProvider services) => null;

    public override ValueTask OnEvent(OperatorGrain? grain, byte type, ReadOnlySpan<byte> payload, TurnContext context)
    {
        StreamDefinition inbox = Definition.To[0];
        EventType source = Definition.From.Types[type];
        foreach (EventType target in inbox.Types)
        {
            if (target.ClrType == source.ClrType)
            {
                context.EmitEncoded(inbox, (byte)target.Index, context.GrainKey, payload);
                return ValueTask.CompletedTask;
            }
        }

        throw new InvalidOperationException($"stream '{inbox.Name}' does not carry {source.Name}");
    }

    public override ValueTask OnTimer(OperatorGrain? grain, string name, TurnContext context) => throw new NotSupportedException();

    public override ValueTask OnResult(OperatorGrain? grain, string requestType, ReadOnlySpan<byte> request, ReadOnlySpan<byte> result, TurnContext context) =>
        throw new NotSupportedException();

    public override ValueTask<byte[]> Call(OperatorGrain? grain, string requestType, ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override void SaveState(OperatorGrain? grain)
    {
    }

    public override void SaveAgain(ReadOnlySpan<byte> saved)
    {
    }

    public override ReadOnlySpan<byte> SavedState() => [];

    public override StateCopies NewCopies() => new CopiesOfNothing();

    public override void WriteState(OperatorGrain? grain, IBufferWriter<byte> output)
    {
    }

    public override void ReadState(OperatorGrain? grain, ReadOnlySpan<byte> bytes)
    {
    }

    public override void WriteStateJson(OperatorGrain? grain, Utf8JsonWriter output)
    {
        output.WriteStartObject();
        output.WriteEndObject();
    }

    public override string KeyText(ReadOnlySpan<byte> key) => KeyCodec.ToText(Definition.From.KeyKind, key);
}

/// <summary>Decodes an event and hands it to the grain.</summary>
internal abstract class EventInvoker<TGrain>
{
    public abstract ValueTask Invoke(TGrain grain, ReadOnlySpan<byte> payload, TurnContext context);

    public static EventInvoker<TGrain> For(EventType type) =>
        (EventInvoker<TGrain>)Activator.CreateInstance(typeof(EventInvoker<,>).MakeGenericType(typeof(TGrain), type.ClrType), type)!;
}

/// <inheritdoc/>
internal sealed class EventInvoker<TGrain, TEvent>(EventType<TEvent> type) : EventInvoker<TGrain>
    where TGrain : class, IConsume<TEvent>
{
    private readonly IEventSerializer<TEvent> _serializer = type.Serializer;

    public override ValueTask Invoke(TGrain grain, ReadOnlySpan<byte> payload, TurnContext context) => grain.OnEvent(_serializer.Read(payload), context);
}
