using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace OrleansStreaming;

/// <summary>The JSON settings of events, states and sinks.</summary>
internal static class StreamingJson
{
    /// <summary>For values that no topology gave settings for.</summary>
    public static readonly JsonSerializerOptions Default = Create([]);

    /// <summary>
    /// Reads strictly, because what is read is stored and replayed for ever, but forgives the case of names, because
    /// people write the input.
    /// </summary>
    /// <param name="contexts">Source-generated metadata, asked in order before reflection is.</param>
    public static JsonSerializerOptions Create(IEnumerable<IJsonTypeInfoResolver> contexts)
    {
        JsonSerializerOptions options = new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            PropertyNameCaseInsensitive = true,
            IncludeFields = true,
            NumberHandling = JsonNumberHandling.Strict,
            ReadCommentHandling = JsonCommentHandling.Disallow,
            AllowTrailingCommas = false,
            MaxDepth = 64,
            WriteIndented = false,
            TypeInfoResolver = JsonTypeInfoResolver.Combine([.. contexts, new DefaultJsonTypeInfoResolver()]),
        };
        options.MakeReadOnly();
        return options;
    }
}

/// <summary>A source or sink that takes the JSON settings of its topology, unless it was given others.</summary>
internal interface IUsesJson
{
    void UseJson(JsonSerializerOptions json);
}
