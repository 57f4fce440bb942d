using System.Text;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Admin.Logs;

/// <summary>The gateway's own log, read from the files that it is written to: so it costs nothing while nobody looks, and tells of what was before the last restart too. Lines are a second old at most.</summary>
/// <param name="folder">Where the files are.</param>
/// <param name="time">The clock.</param>
internal sealed class GatewayLog(string folder, TimeProvider time)
{
    private const string Pattern = "gateway-*.log";

    // The log is flushed once a second.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyList<string> Lines(int count)
    {
        var lines = new List<string>();
        foreach (var file in Files())
        {
            lines.InsertRange(0, FileEnd.Lines(file, count - lines.Count));
            if (lines.Count >= count)
            {
                break;
            }
        }

        return [.. lines.Select(Clean)];
    }

    /// <summary>Calls back for every line that is written from now on.</summary>
    /// <param name="onLine">Must be quick and must not throw; it is never called by two threads at a time.</param>
    /// <returns>Dispose it to hear no more.</returns>
    public IDisposable Follow(Action<string> onLine) => new Follower(this, onLine);

    private TimeProvider Time => time;

    private static string Clean(string line) => SecretFilter.Clean(line, []);

    // The newest first: their names have the day and a number in them.
    private IEnumerable<string> Files() => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles(Pattern).OrderByDescending(static file => file.LastWriteTimeUtc).ThenByDescending(static file => file.Name, StringComparer.Ordinal).Select(static file => file.FullName)
        : [];

    private sealed class Follower : IDisposable
    {
        private const int LargestPiece = 256 * 1024;
        private const int LongestLine = 64 * 1024;

        private readonly Lock _lock = new();
        private readonly GatewayLog _log;
        private readonly Action<string> _onLine;
        private readonly ITimer _timer;
        private readonly MemoryStream _unfinished = new();
        private string? _file;
        private long _offset;
        private bool _isOver;

        public Follower(GatewayLog log, Action<string> onLine)
        {
            (_log, _onLine) = (log, onLine);
            _file = log.Files().FirstOrDefault();
            _offset = _file is null ? 0 : EndOfLastLine(_file);
            _timer = log.Time.CreateTimer(static self => ((Follower)self!).Look(), this, Glance, Glance);
        }

        public void Dispose()
        {
            _timer.Dispose();
            lock (_lock)
            {
                _isOver = true;
            }
        }

        // What is being written now is heard whole.
        private static long EndOfLastLine(string path)
        {
            try
            {
                using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                var length = RandomAccess.GetLength(file);
                var end = new byte[Math.Min(length, LongestLine)];
                var read = RandomAccess.Read(file, end, length - end.Length);
                var last = end.AsSpan(0, read).LastIndexOf((byte)'\n');
                return last < 0 ? length : length - end.Length + last + 1;
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                return 0;
            }
        }

        private void Look()
        {
            if (!_lock.TryEnter())
            {
                return; // the last look is not over: the disk is slow
            }

            try
            {
                if (_isOver)
                {
                    return;
                }

                Read();
                if (_log.Files().FirstOrDefault() is { } newest && newest != _file)
                {
                    (_file, _offset) = (newest, 0);
                    _unfinished.SetLength(0);
                    Read();
                }
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                // It may be readable at the next look.
            }
            finally
            {
                _lock.Exit();
            }
        }

        private void Read()
        {
            if (_file is null || !File.Exists(_file))
            {
                return;
            }

            using var file = File.OpenHandle(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(file);
            if (length - _offset > LargestPiece)
            {
                _onLine($"[{length - _offset - LargestPiece} bytes of the log passed over]"); // nobody could read them either
                _offset = length - LargestPiece;
                _unfinished.SetLength(0);
            }

            _offset = Math.Min(_offset, length);
            var piece = new byte[length - _offset];
            var read = RandomAccess.Read(file, piece, _offset);
            _offset += read;
            var rest = piece.AsSpan(0, read);
            for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
            {
                _unfinished.Write(rest[..end]);
                _onLine(Clean(Encoding.UTF8.GetString(_unfinished.GetBuffer(), 0, (int)_unfinished.Length).TrimEnd('\r')));
                _unfinished.SetLength(0);
            }

            _unfinished.Write(rest);
        }
    }
}
