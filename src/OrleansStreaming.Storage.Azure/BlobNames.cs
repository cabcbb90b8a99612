using System.Globalization;
using System.Text;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Where everything is in the container, the one place that builds names of blobs. Letters, digits, <c>-</c>, <c>_</c> and
/// slashes of a name stay as they are, every other byte is <c>=XX</c>; byte by byte, so that the escaped beginning of a name
/// is the beginning of the escaped name.
/// </summary>
internal static class BlobNames
{
    /// <summary>Escaped they have three times as many characters at most, and the service allows 1,024.</summary>
    private const int MaxNameBytes = 200;

    private const string RecordExtension = ".rec";
    private const string RunExtension = ".run";

    /// <summary>Where all records are.</summary>
    public const string Records = "records/";

    private const string Runs = "runs/";

    /// <summary>Where a journal is, and nothing else: slashes of its name are escaped too.</summary>
    public static string Journal(string journal) => $"journals/{Escape(journal).Replace("/", "=2F", StringComparison.Ordinal)}/";

    /// <summary>A segment of a journal, or the fence that takes the place of the next one.</summary>
    public static string Segment(string journal, int index) => $"{Journal(journal)}{index.ToString("x8", CultureInfo.InvariantCulture)}";

    /// <summary>Says from which LSN on a journal has not been trimmed.</summary>
    public static string Trimmed(string journal) => Journal(journal) + "trimmed";

    /// <summary>The number of a segment; null for another blob.</summary>
    public static int? SegmentIndex(string journal, string blob)
    {
        ReadOnlySpan<char> last = blob.AsSpan(Journal(journal).Length);
        return last.Length == 8 && int.TryParse(last, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int index) && index >= 0 ? index : null;
    }

    public static string Record(string name) => Records + Escape(name) + RecordExtension;

    public static string Run(string name) => Runs + Escape(name) + RunExtension;

    /// <summary>Where all runs are whose names begin with a prefix.</summary>
    public static string RunPrefix(string prefix) => Runs + (prefix.Length == 0 ? "" : EscapeBytes(StoredNames.Encode(prefix)));

    /// <summary>The name of the run that is in a blob; null when it is another blob.</summary>
    public static string? TryRunName(string blob)
    {
        if (!blob.StartsWith(Runs, StringComparison.Ordinal) || !blob.EndsWith(RunExtension, StringComparison.Ordinal))
        {
            return null;
        }

        ReadOnlySpan<char> escaped = blob.AsSpan(Runs.Length, blob.Length - Runs.Length - RunExtension.Length);
        byte[] bytes = new byte[escaped.Length];
        int count = 0;
        for (int i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] != '=')
            {
                bytes[count++] = (byte)escaped[i];
            }
            else if (i + 2 < escaped.Length && byte.TryParse(escaped.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes[count++] = value;
                i += 2;
            }
            else
            {
                return null;
            }
        }

        try
        {
            return StoredNames.Strict.GetString(bytes, 0, count);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>A name as it stands in names of blobs.</summary>
    /// <exception cref="ArgumentException">It is empty, too long, or not valid Unicode.</exception>
    public static string Escape(string name)
    {
        byte[] bytes = StoredNames.Encode(name);
        return bytes.Length <= MaxNameBytes
            ? EscapeBytes(bytes)
            : throw new ArgumentException($"A name has at most {MaxNameBytes} bytes, this one {bytes.Length}.", nameof(name));
    }

    private static string EscapeBytes(byte[] bytes)
    {
        var escaped = new StringBuilder(bytes.Length + 16);
        foreach (byte value in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_' or (byte)'/')
            {
                escaped.Append((char)value);
            }
            else
            {
                escaped.Append('=').Append(value.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return escaped.ToString();
    }
}
