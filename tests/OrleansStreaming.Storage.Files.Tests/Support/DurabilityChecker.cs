namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>
/// Reads a record of operations as a disk would that loses at once whatever is not flushed: at each remark, all that was
/// written must be flushed, and every folder in which a name changed must be flushed too.
/// </summary>
internal static class DurabilityChecker
{
    public static List<string> Violations(IEnumerable<FileOperation> log, string root)
    {
        var violations = new List<string>();
        var dirtyFiles = new HashSet<string>();
        var dirtyFolders = new HashSet<string>();
        foreach (FileOperation operation in log)
        {
            switch (operation.Call)
            {
                case FileCall.Write or FileCall.Reserve:
                    dirtyFiles.Add(operation.Path);
                    break;
                case FileCall.Flush:
                    dirtyFiles.Remove(operation.Path);
                    break;
                case FileCall.SyncDirectory:
                    dirtyFolders.Remove(operation.Path);
                    break;
                case FileCall.Create or FileCall.CreateDirectory:
                    dirtyFolders.Add(Path.GetDirectoryName(operation.Path)!);
                    break;
                case FileCall.Delete or FileCall.DeleteDirectory:
                    dirtyFiles.Remove(operation.Path);
                    dirtyFolders.Add(Path.GetDirectoryName(operation.Path)!);
                    break;
                case FileCall.Rename or FileCall.RenameDirectory:
                    if (dirtyFiles.Remove(operation.Path))
                    {
                        violations.Add($"{operation.Path} became {operation.To} before it was flushed");
                    }

                    dirtyFolders.Add(Path.GetDirectoryName(operation.Path)!);
                    dirtyFolders.Add(Path.GetDirectoryName(operation.To!)!);
                    break;
                case FileCall.Note:
                    violations.AddRange(dirtyFiles.Where(Matters).Select(path => $"{operation.Path}, but {path} is not flushed"));
                    violations.AddRange(dirtyFolders.Where(Matters).Select(path => $"{operation.Path}, but folder {path} is not flushed"));
                    break;
                default:
                    break;
            }
        }

        return violations;

        // What stands aside may be lost.
        bool Matters(string path) => new[] { "journals", "records", "runs" }.Any(folder => path.StartsWith(Path.Combine(root, folder), StringComparison.Ordinal));
    }
}
