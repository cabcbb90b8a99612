using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace OrleansStreaming.AspNetCore;

/// <summary>Who sends a request, and which of its requests it is: what makes a repeat harmless.</summary>
internal readonly record struct ProducerHeaders(string? Id, long Sequence)
{
    public const string IdName = "Producer-Id";
    public const string SequenceName = "Producer-Sequence";

    /// <exception cref="BadRequestException">Says what is wrong.</exception>
    public static ProducerHeaders Read(IHeaderDictionary headers)
    {
        StringValues ids = headers[IdName], sequences = headers[SequenceName];
        if (ids.Count == 0 && sequences.Count == 0)
        {
            return default;
        }

        if (ids.Count != 1 || sequences.Count != 1)
        {
            throw Bad(ids.Count > 1 || sequences.Count > 1
                ? $"{IdName} and {SequenceName} can be given once each."
                : $"{(ids.Count == 0 ? IdName : SequenceName)} is missing: {IdName} and {SequenceName} go together.");
        }

        string id = ids.ToString();
        if (Encoding.UTF8.GetByteCount(id) is 0 or > StreamingEngine.MaxProducerBytes)
        {
            throw Bad($"{IdName} has {Encoding.UTF8.GetByteCount(id)} bytes; 1 to {StreamingEngine.MaxProducerBytes} are allowed.");
        }

        return long.TryParse(sequences.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out long sequence) && sequence > 0
            ? new ProducerHeaders(id, sequence)
            : throw Bad($"{SequenceName} must be a whole number from 1 to {long.MaxValue}, higher with every request.");
    }

    private static BadRequestException Bad(string detail) => new(Problems.BadProducer(detail));
}
