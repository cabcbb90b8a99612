using System.Globalization;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Up to where a journal was confirmed. Noted beside each record that is written, for all journals that the process writes:
/// that costs no request, and tells later that a journal has lost what it had. The one place that knows how it is written.
/// </summary>
/// <param name="Index">The segment.</param>
/// <param name="Length">Its length up to the last confirmed frame.</param>
/// <param name="Lsn">The LSN of that frame.</param>
internal readonly record struct ConfirmedPlace(int Index, long Length, long Lsn)
{
    /// <summary>All metadata of a blob may have 8 KiB.</summary>
    private const int MaxLength = 6000;

    private const char Between = ',';
    private const char Within = ':';

    /// <summary>Writes down as many places as there is room for.</summary>
    public static string? Format(IEnumerable<(string Journal, ConfirmedPlace Place)> places)
    {
        var text = new System.Text.StringBuilder();
        foreach ((string journal, ConfirmedPlace place) in places)
        {
            string one = string.Create(CultureInfo.InvariantCulture, $"{BlobNames.Escape(journal)}{Within}{place.Index}{Within}{place.Length}{Within}{place.Lsn}");
            if (text.Length + one.Length < MaxLength)
            {
                text.Append(text.Length == 0 ? "" : Between).Append(one);
            }
        }

        return text.Length == 0 ? null : text.ToString();
    }

    /// <summary>The place of a journal in what <see cref="Format"/> has written; default when it is not there.</summary>
    public static ConfirmedPlace Find(string? text, string journal)
    {
        string beginning = BlobNames.Escape(journal) + Within;
        foreach (string one in text?.Split(Between) ?? [])
        {
            if (one.StartsWith(beginning, StringComparison.Ordinal)
                && one[beginning.Length..].Split(Within) is [string index, string length, string lsn]
                && int.TryParse(index, CultureInfo.InvariantCulture, out int i)
                && long.TryParse(length, CultureInfo.InvariantCulture, out long l)
                && long.TryParse(lsn, CultureInfo.InvariantCulture, out long n))
            {
                return new ConfirmedPlace(i, l, n);
            }
        }

        return default;
    }
}
