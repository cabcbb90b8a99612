using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Runs single turns of an operator, each on a new instance: from the encoded state before to the encoded state after. It
/// knows nothing of silos and journals, and keeps nothing between turns.
/// </summary>
internal abstract class ReferenceOperator
{
    /// <summary>Tells of an operator that awaits the outside world.</summary>
    public static string NotAtOnce(string name) => $"operator '{name}' awaits something that does not complete at once. In a simulation time is virtual: "
        + "move what waits for the outside world into a recorded call (ICall), and give the simulation a fake of it that answers at once";

    /// <summary>Makes the reference of an operator; null for a relay, which has no class.</summary>
    public static ReferenceOperator? For(OperatorDefinition definition, Topology topology)
    {
        if (definition.GrainType is null)
        {
            return null;
        }

        Type grain = definition.GrainType;
        while (!grain.IsGenericType || grain.GetGenericTypeDefinition() != typeof(OperatorGrain<,>))
        {
            grain = grain.BaseType!;
        }

        return (ReferenceOperator)Activator.CreateInstance(typeof(ReferenceOperator<,,>).MakeGenericType([definition.GrainType, .. grain.GetGenericArguments()]), definition, topology)!;
    }

    /// <summary>The encoded state of a new instance.</summary>
    public abstract byte[] Fresh(byte[] key, IServiceProvider services);

    public abstract byte[] OnEvent(byte[] key, byte[]? state, byte type, byte[] payload, EventContext context, IServiceProvider services);

    public abstract byte[] OnTimer(byte[] key, byte[]? state, string timer, EventContext context, IServiceProvider services);

    public abstract byte[] OnResult(byte[] key, byte[]? state, string requestType, byte[] request, byte[] answer, EventContext context, IServiceProvider services);

    /// <summary>A state as a reader of it sees it.</summary>
    public abstract byte[] Json(byte[] state);
}

/// <inheritdoc/>
internal sealed class ReferenceOperator<TGrain, TKey, TState> : ReferenceOperator
    where TGrain : OperatorGrain<TKey, TState>
    where TKey : notnull
    where TState : new()
{
    private static readonly ObjectFactory<TGrain> Factory = ActivatorUtilities.CreateFactory<TGrain>(Type.EmptyTypes);
    private readonly string _name;
    private readonly IEventSerializer<TState> _states;
    private readonly JsonSerializerOptions _json;
    private readonly ReferenceInput<TGrain>[] _events;
    private readonly Dictionary<string, ReferenceCall<TGrain>> _calls;

    public ReferenceOperator(OperatorDefinition definition, Topology topology)
    {
        _name = definition.Name;
        _states = topology.Serializers.Get<TState>();
        _json = topology.Serializers.Json;
        _events = [.. definition.From.Types.Select(ReferenceInput<TGrain>.For)];
        _calls = ReferenceCall<TGrain>.Find(topology.Serializers);
    }

    public override byte[] Fresh(byte[] key, IServiceProvider services) => Encode(Make(key, null, services));

    public override byte[] OnEvent(byte[] key, byte[]? state, byte type, byte[] payload, EventContext context, IServiceProvider services)
    {
        TGrain grain = Make(key, state, services);
        return Finish(grain, _events[type].Invoke(grain, payload, context));
    }

    public override byte[] OnTimer(byte[] key, byte[]? state, string timer, EventContext context, IServiceProvider services)
    {
        TGrain grain = Make(key, state, services);
        return Finish(grain, ((IOnTimer)grain).OnTimer(timer, context));
    }

    public override byte[] OnResult(byte[] key, byte[]? state, string requestType, byte[] request, byte[] answer, EventContext context, IServiceProvider services)
    {
        TGrain grain = Make(key, state, services);
        return Finish(grain, _calls[requestType].OnResult(grain, request, answer, context));
    }

    public override byte[] Json(byte[] state) => JsonSerializer.SerializeToUtf8Bytes(_states.Read(state), _json);

    private TGrain Make(byte[] key, byte[]? state, IServiceProvider services)
    {
        TGrain grain = Factory(services, null);
        grain.Key = KeyCodec.Decode<TKey>(key);
        if (state is not null)
        {
            grain.StateField = _states.Read(state);
        }

        return grain;
    }

    private byte[] Finish(TGrain grain, ValueTask turn)
    {
        if (!turn.IsCompleted)
        {
            throw new SimulationException("limit", NotAtOnce(_name));
        }

        turn.GetAwaiter().GetResult();
        return Encode(grain);
    }

    private byte[] Encode(TGrain grain)
    {
        var buffer = new ArrayBufferWriter<byte>(32);
        _states.Write(in grain.StateField, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
