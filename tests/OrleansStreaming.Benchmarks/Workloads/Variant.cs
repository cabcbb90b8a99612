using System.Globalization;

namespace OrleansStreaming.Benchmarks;

/// <summary>A form of the input, and how it is keyed.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Make">Makes an event from its number, its key and its key behind the next hop.</param>
/// <param name="AddStream">Declares a stream of it.</param>
/// <param name="KeyText">A key as text.</param>
/// <param name="EventBytes">About how long an event is when it is stored.</param>
internal sealed record Variant<TKey, TEvent>(
    string Name,
    Func<long, long, long, TEvent> Make,
    Action<StreamingBuilder, string, Action<StreamOptions<TKey>>> AddStream,
    Func<long, string> KeyText,
    int EventBytes)
    where TKey : notnull
    where TEvent : IInput<TEvent>;

internal static class Variants
{
    public static readonly string[] Names = ["long", "string", "json"];

    /// <summary>A struct under a number.</summary>
    public static Variant<long, Input> Long { get; } =
        new("long", MakeInput, (s, name, options) => s.AddStream<Input>(name, i => i.Key, options), Text, 100);

    /// <summary>A JSON record under a number.</summary>
    public static Variant<long, JsonInput> Json { get; } = new(
        "json",
        (number, key, next) => new JsonInput(key, next, number, Amount(number), "a few words"),
        (s, name, options) => s.UseJson(InputJson.Default).AddStream<JsonInput>(name, i => i.Key, options),
        Text,
        100);

    /// <summary>A struct under a text. The texts are made ahead.</summary>
    public static Variant<string, Input> String(int keys)
    {
        string[] texts = [.. Enumerable.Range(0, keys).Select(k => string.Create(CultureInfo.InvariantCulture, $"customer-{k:d8}"))];
        return new("string", MakeInput, (s, name, options) => s.AddStream<Input>(name, i => texts[i.Key], options), k => texts[k], 100);
    }

    public static long Amount(long number) => (number * 7) % 1000;

    private static Input MakeInput(long number, long key, long next) => new() { Key = key, Next = next, Number = number, Amount = Amount(number) };

    private static string Text(long key) => key.ToString(CultureInfo.InvariantCulture);
}
