using System.Text;

namespace OrleansStreaming.Core.Tests.Formats;

/// <summary>
/// Truncates a sample at every byte and flips every bit of it, and demands of each that its reader reports it: by the
/// documented exception, and without taking memory that a damaged length asks for.
/// </summary>
internal static class Damage
{
    /// <summary>What a reader may take for a sample of a few kilobytes.</summary>
    private const long MaxBytes = 4 << 20;

    /// <summary>Checks a format that has checksums of its own.</summary>
    /// <param name="whole">The sample.</param>
    /// <param name="read">Reads it, and describes all that it read.</param>
    /// <param name="file">What the error must name.</param>
    public static void IsAlwaysReported(byte[] whole, Func<byte[], string> read, string file)
    {
        string expected = read(whole);
        expected.ShouldNotBeEmpty();
        foreach ((string what, byte[] damaged) in Of(whole))
        {
            (string? value, Exception? error) = Try(() => read(damaged), what);
            value.ShouldBeNull($"{what}: read {(value == expected ? "as if nothing were damaged" : "as another value")}");
            CorruptDataException e = error.ShouldBeOfType<CorruptDataException>(what);
            e.File.ShouldContain(file, customMessage: what);
        }
    }

    /// <summary>Checks a reader that relies on the checksums of what stores its bytes: it may read another value, and must not fail otherwise.</summary>
    /// <returns>How many of the damaged samples were reported.</returns>
    public static int IsReportedOrRead(IEnumerable<(string What, byte[] Bytes)> damage, Func<byte[], string> read)
    {
        int reported = 0;
        foreach ((string what, byte[] damaged) in damage)
        {
            (_, Exception? error) = Try(() => read(damaged), what);
            if (error is not null)
            {
                error.ShouldBeOfType<CorruptDataException>($"{what}: {error}");
                reported++;
            }
        }

        return reported;
    }

    /// <summary>Every truncation and every flipped bit.</summary>
    public static IEnumerable<(string What, byte[] Bytes)> Of(byte[] whole)
    {
        for (int length = 0; length < whole.Length; length++)
        {
            yield return ($"cut at {length}", whole[..length]);
        }

        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return ($"bit {bit % 8} of byte {bit / 8} flipped", flipped);
        }
    }

    /// <summary>Random bytes at random places, some of them removed or put in twice: what no single flip makes.</summary>
    public static IEnumerable<(string What, byte[] Bytes)> Random(byte[] whole, int seed, int count)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            var bytes = new List<byte>(whole);
            for (int change = random.Next(1, 5); change > 0 && bytes.Count > 0; change--)
            {
                int at = random.Next(bytes.Count), length = Math.Min(random.Next(1, 9), bytes.Count - at);
                switch (random.Next(4))
                {
                    case 0:
                        bytes.RemoveRange(at, length);
                        break;
                    case 1:
                        bytes.InsertRange(at, bytes.GetRange(at, length));
                        break;
                    case 2:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    default:
                        bytes.GetRange(at, length).ForEach(_ => bytes[random.Next(bytes.Count)] = byte.MaxValue);
                        break;
                }
            }

            yield return ($"seed {seed}, change {i}: {Convert.ToHexString(bytes.ToArray())}", [.. bytes]);
        }
    }

    /// <summary>Each JSON value of a document replaced by null, by an empty object, by a negative number and by one that is too large.</summary>
    public static IEnumerable<(string What, byte[] Bytes)> OfValues(byte[] json)
    {
        string text = Encoding.UTF8.GetString(json);
        yield return ("null", "null"u8.ToArray());
        var reader = new List<(int From, int To)>();
        Collect(json, reader);
        foreach ((int from, int to) in reader)
        {
            foreach (string other in new[] { "null", "{}", "[]", "[null]", "-1", "99999999999999999999", "1.5", "\"x\"", "{\"x\":1}" })
            {
                yield return ($"{text[from..to]} at {from} replaced by {other}", Encoding.UTF8.GetBytes(text[..from] + other + text[to..]));
            }
        }
    }

    private static void Collect(byte[] json, List<(int From, int To)> values)
    {
        var reader = new System.Text.Json.Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is System.Text.Json.JsonTokenType.PropertyName or System.Text.Json.JsonTokenType.EndObject or System.Text.Json.JsonTokenType.EndArray)
            {
                continue;
            }

            System.Text.Json.Utf8JsonReader end = reader;
            end.Skip();
            values.Add(((int)reader.TokenStartIndex, (int)end.BytesConsumed));
        }
    }

    private static (string? Value, Exception? Error) Try(Func<string> read, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            return (read(), null);
        }
        catch (Exception e) when (e is not ShouldAssertException)
        {
            return (null, e);
        }
        finally
        {
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(MaxBytes, what);
        }
    }
}
