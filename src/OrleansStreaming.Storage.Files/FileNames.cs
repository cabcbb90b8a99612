using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// Names of journals, records and runs as names of files. Every name has a file name of its own on every file system:
/// only lower-case letters, digits, <c>-</c>, <c>_</c> and inner dots stay as they are, all else is escaped byte by byte
/// (capitals too, since some file systems do not tell them from small letters).
/// </summary>
internal static class FileNames
{
    /// <summary>File systems allow 255 bytes.</summary>
    private const int MaxLength = 200;

    /// <summary>So much of a long name is left before its hash.</summary>
    private const int SafeLength = 64;

    /// <summary>Stands before the hash in the file name of a long name; never part of an escaped name.</summary>
    private const char HashMark = '~';

    private static readonly SearchValues<char> AlwaysPlain = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    public static string ToFileName(string name)
    {
        byte[] bytes = StoredNames.Encode(name);
        var escaped = new StringBuilder(bytes.Length + 16);
        for (int i = 0; i < bytes.Length; i++)
        {
            if (IsPlain(bytes, i))
            {
                escaped.Append((char)bytes[i]);
            }
            else
            {
                escaped.Append('%').Append(bytes[i].ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        // Windows reserves some names, with any extension: con, nul, com1, ... Escaping one letter avoids them all.
        if (IsReserved(escaped.ToString()))
        {
            escaped.Remove(0, 1).Insert(0, $"%{(int)bytes[0]:X2}");
        }

        if (escaped.Length > MaxLength)
        {
            string hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
            escaped.Length = MaxLength - hash.Length - 1;
            escaped.Append(HashMark).Append(hash);
        }

        return escaped.ToString();
    }

    /// <summary>The name behind a file name; null when the file itself must be asked.</summary>
    public static string? TryFromFileName(string fileName)
    {
        if (fileName.Contains(HashMark, StringComparison.Ordinal))
        {
            return null;
        }

        byte[] bytes = new byte[fileName.Length];
        int count = 0;
        for (int i = 0; i < fileName.Length; i++)
        {
            if (fileName[i] != '%')
            {
                bytes[count++] = (byte)fileName[i];
            }
            else if (i + 2 < fileName.Length
                && byte.TryParse(fileName.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
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

    /// <summary>The part of a prefix that the file names of all names with it begin with, but for those that begin with an escape.</summary>
    public static string SafeStart(string prefix)
    {
        int length = prefix.AsSpan().IndexOfAnyExcept(AlwaysPlain);
        return prefix[..Math.Min(length < 0 ? prefix.Length : length, SafeLength)];
    }

    /// <summary>Whether a name with that start may be behind a file name: tells most others apart without reading them.</summary>
    public static bool MayStartWith(string fileName, string safeStart) =>
        fileName.StartsWith('%') || fileName.StartsWith(safeStart, StringComparison.Ordinal);

    private static bool IsPlain(byte[] name, int at) =>
        AlwaysPlain.Contains((char)name[at]) || (name[at] == (byte)'.' && at > 0 && at < name.Length - 1);

    private static bool IsReserved(string fileName)
    {
        ReadOnlySpan<char> stem = fileName.AsSpan(0, fileName.IndexOf('.', StringComparison.Ordinal) is >= 0 and int dot ? dot : fileName.Length);
        return stem is "con" or "prn" or "aux" or "nul"
            || (stem.Length == 4 && char.IsAsciiDigit(stem[3]) && (stem.StartsWith("com") || stem.StartsWith("lpt")));
    }
}
