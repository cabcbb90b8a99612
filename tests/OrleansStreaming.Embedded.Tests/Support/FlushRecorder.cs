using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Embedded.Tests;

/// <summary>
/// A file layer that knows which marked events lie in journal segments that have been flushed. With <c>lie</c> it skips the
/// flushes: the bug that a test of durability must find.
/// </summary>
internal sealed partial class FlushRecorder(bool lie) : IFileSystem
{
    private readonly bool _lie = lie;
    private readonly IFileSystem _inner = DiskFileSystem.Instance;
    private readonly ConcurrentDictionary<string, bool> _flushed = new();

    /// <summary>Marks look like <c>mark-17-</c> in an event.</summary>
    public bool IsFlushed(string mark) => _flushed.TryGetValue(mark, out bool flushed) && flushed;

    public bool FileExists(string path) => _inner.FileExists(path);

    public bool DirectoryExists(string path) => _inner.DirectoryExists(path);

    public IReadOnlyList<string> ListFiles(string folder) => _inner.ListFiles(folder);

    public void CreateDirectory(string path) => _inner.CreateDirectory(path);

    public IFile Create(string path) => new Recorded(this, _inner.Create(path));

    public IFile Open(string path, bool writable) => new Recorded(this, _inner.Open(path, writable));

    public void Rename(string from, string to) => _inner.Rename(from, to);

    public void RenameDirectory(string from, string to) => _inner.RenameDirectory(from, to);

    public void Delete(string path) => _inner.Delete(path);

    public void DeleteDirectory(string path) => _inner.DeleteDirectory(path);

    public void SyncDirectory(string path) => _inner.SyncDirectory(path);

    public IDisposable? TryLock(string path) => _inner.TryLock(path);

    [GeneratedRegex("mark-[a-z]*[0-9]+-")]
    private static partial Regex Mark();

    private sealed class Recorded(FlushRecorder recorder, IFile inner) : IFile
    {
        private readonly ConcurrentQueue<string> _written = new();

        public string Path => inner.Path;

        public long Length => inner.Length;

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset)
        {
            inner.Write(pieces, offset);
            foreach (ReadOnlyMemory<byte> piece in pieces)
            {
                foreach (Match match in Mark().Matches(Encoding.Latin1.GetString(piece.Span)))
                {
                    recorder._flushed.TryAdd(match.Value, false);
                    _written.Enqueue(match.Value);
                }
            }
        }

        public bool TryReserve(long length) => inner.TryReserve(length);

        public int Read(Span<byte> to, long offset) => inner.Read(to, offset);

        public void Flush()
        {
            if (recorder._lie)
            {
                return;
            }

            string[] before = [.. _written];
            inner.Flush();
            foreach (string mark in before)
            {
                recorder._flushed[mark] = true;
            }
        }

        public void Dispose() => inner.Dispose();
    }
}
