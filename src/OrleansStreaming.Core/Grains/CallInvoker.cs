using System.Buffers;
using System.Text;

namespace OrleansStreaming.Core;

/// <summary>Runs the recorded calls of one request type.</summary>
internal abstract class CallInvoker<TGrain>
{
    public abstract ValueTask<byte[]> Call(TGrain grain, ReadOnlyMemory<byte> request, CancellationToken cancellationToken);

    public abstract ValueTask OnResult(TGrain grain, ReadOnlySpan<byte> request, ReadOnlySpan<byte> result, TurnContext context);

    /// <summary>The calls that a grain class implements, by the name of the request's type.</summary>
    public static Dictionary<string, CallInvoker<TGrain>> Find(SerializerRegistry serializers)
    {
        var calls = new Dictionary<string, CallInvoker<TGrain>>();
        foreach (Type contract in typeof(TGrain).GetInterfaces())
        {
            if (contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(ICall<,>))
            {
                Type[] types = contract.GetGenericArguments();
                Type invoker = typeof(CallInvoker<,,>).MakeGenericType(typeof(TGrain), types[0], types[1]);
                calls.Add(types[0].FullName!, (CallInvoker<TGrain>)Activator.CreateInstance(invoker, serializers)!);
            }
        }

        return calls;
    }
}

/// <inheritdoc/>
internal sealed class CallInvoker<TGrain, TRequest, TResult>(SerializerRegistry serializers) : CallInvoker<TGrain>
{
    private readonly IEventSerializer<TRequest> _requests = serializers.Get<TRequest>();
    private readonly IEventSerializer<TResult> _results = serializers.Get<TResult>();

    public override async ValueTask<byte[]> Call(TGrain grain, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        TResult result = await ((ICall<TRequest, TResult>)grain!).Call(_requests.Read(request.Span), cancellationToken).ConfigureAwait(false);
        var output = new ArrayBufferWriter<byte>();
        output.Write([CallAnswer.Ok]);
        _results.Write(in result, output);
        return output.WrittenSpan.ToArray();
    }

    public override ValueTask OnResult(TGrain grain, ReadOnlySpan<byte> request, ReadOnlySpan<byte> result, TurnContext context)
    {
        CallResult<TResult> answer = result[0] == CallAnswer.Ok
            ? new CallResult<TResult>(_results.Read(result[1..]), null)
            : new CallResult<TResult>(default, Encoding.UTF8.GetString(result[1..]));
        return ((ICall<TRequest, TResult>)grain!).OnResult(_requests.Read(request), answer, context);
    }
}

/// <summary>The first byte of a recorded answer.</summary>
internal static class CallAnswer
{
    public const byte Ok = 0;
    public const byte Failed = 1;

    public static byte[] Failure(string error) => [Failed, .. Encoding.UTF8.GetBytes(error)];
}
