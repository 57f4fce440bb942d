using System.Globalization;
using System.Text;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Commands.Connecting;

/// <summary>Writes files of settings: merged into what is there, whose copy stays beside it, and never half of one.</summary>
/// <param name="home">The home folder.</param>
/// <param name="time">The clock, which names copies.</param>
internal sealed class SettingsWriter(string home, TimeProvider time)
{
    /// <summary>The path with the home folder in it.</summary>
    public string Full(string path) => Path.GetFullPath(path.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(home, path[2..]) : path);

    /// <summary>Writes one file.</summary>
    /// <param name="file">What belongs into it.</param>
    /// <param name="elsewhere">Another file than its own; null: its own.</param>
    /// <returns>What was done, a line each.</returns>
    /// <exception cref="CommandFailure">It was left as it is.</exception>
    public IReadOnlyList<string> Write(SettingsFile file, string? elsewhere)
    {
        var shown = elsewhere ?? file.Path;
        var path = Full(shown);
        try
        {
            // A settings file may be a link into a folder that is kept under version control: the link stays.
            path = File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
            var existing = File.Exists(path) ? File.ReadAllText(path) : null;
            var merged = MergedText.Of(file.Format, existing ?? "", file.Text);
            if (existing is not null && merged.Changes.Count == 0)
            {
                return [$"{path} says all that already; nothing was changed."];
            }

            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var copy = existing is null ? null : Copy(path);
            Replace(path, merged.Text);
            return copy is null ? [$"Wrote {path}."] : [$"Wrote {path}; what was there is in {copy}.", .. merged.Changes.Select(static c => "  " + c)];
        }
        catch (CommandFailure failure)
        {
            throw new CommandFailure(failure.ExitCode, $"{path} {failure.Message}, so it was left as it is. Put this into it by hand:{Environment.NewLine}{file.Text}");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(Exits.Refused, $"{path} could not be written: {refused.Message}");
        }
    }

    private string Copy(string path)
    {
        var stem = $"{path}.{time.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}";
        var copy = stem + ".bak";
        for (var i = 2; File.Exists(copy); i++)
        {
            copy = string.Create(CultureInfo.InvariantCulture, $"{stem}-{i}.bak");
        }

        File.Copy(path, copy);
        return copy;
    }

    private static void Replace(string path, string text)
    {
        // There may be a key in it, so nobody else reads it, unless they may already.
        var mode = File.Exists(path) && !OperatingSystem.IsWindows() ? File.GetUnixFileMode(path) : (UnixFileMode?)null;
        PrivateFiles.Replace(path, file => file.Write(Encoding.UTF8.GetBytes(text)), mode);
    }
}
