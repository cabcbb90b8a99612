using System.Text;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Decodes an event of one type and hands it to an operator.</summary>
internal abstract class ReferenceInput<TGrain>
{
    public abstract ValueTask Invoke(TGrain grain, byte[] payload, EventContext context);

    public static ReferenceInput<TGrain> For(EventType type) =>
        (ReferenceInput<TGrain>)Activator.CreateInstance(typeof(ReferenceInput<,>).MakeGenericType(typeof(TGrain), type.ClrType), type)!;
}

/// <inheritdoc/>
internal sealed class ReferenceInput<TGrain, TEvent>(EventType<TEvent> type) : ReferenceInput<TGrain>
{
    public override ValueTask Invoke(TGrain grain, byte[] payload, EventContext context) => ((IConsume<TEvent>)grain!).OnEvent(type.Serializer.Read(payload), context);
}

/// <summary>Decodes the answer of a call of one type and hands it to an operator.</summary>
internal abstract class ReferenceCall<TGrain>
{
    public abstract ValueTask OnResult(TGrain grain, byte[] request, byte[] answer, EventContext context);

    /// <summary>The calls that an operator class implements, by the name of the request's type.</summary>
    public static Dictionary<string, ReferenceCall<TGrain>> Find(SerializerRegistry serializers) =>
        typeof(TGrain).GetInterfaces().Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(ICall<,>)).Select(i => i.GetGenericArguments()).ToDictionary(
            a => a[0].FullName!, a => (ReferenceCall<TGrain>)Activator.CreateInstance(typeof(ReferenceCall<,,>).MakeGenericType(typeof(TGrain), a[0], a[1]), serializers)!);
}

/// <inheritdoc/>
internal sealed class ReferenceCall<TGrain, TRequest, TResult>(SerializerRegistry serializers) : ReferenceCall<TGrain>
{
    public override ValueTask OnResult(TGrain grain, byte[] request, byte[] answer, EventContext context)
    {
        // An answer begins with a byte that is 0 when there is a value; an error's text follows otherwise.
        CallResult<TResult> result = answer[0] == 0
            ? new CallResult<TResult>(serializers.Get<TResult>().Read(answer.AsSpan(1)), null)
            : new CallResult<TResult>(default, Encoding.UTF8.GetString(answer.AsSpan(1)));
        return ((ICall<TRequest, TResult>)grain!).OnResult(serializers.Get<TRequest>().Read(request), result, context);
    }
}
