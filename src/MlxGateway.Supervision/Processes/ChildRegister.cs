using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Processes;

/// <summary>Keeps this gateway's own record up to date.</summary>
internal sealed partial class ChildRegister(string mark, StateFolder folder, IProcessTable table, ILogger<ChildRegister> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, ChildRecord> _children = [];
    private readonly List<string> _letGo = [];

    public void Add(ChildRecord child)
    {
        lock (_lock)
        {
            _children[child.Leader.Pid] = child;
            Write_NeedsLock();
        }
    }

    public void Remove(int leader)
    {
        lock (_lock)
        {
            if (_children.Remove(leader))
            {
                Write_NeedsLock();
            }
        }
    }

    /// <summary>It is not ours any more, although it carries our mark.</summary>
    public void LetGo(int leader, string mark)
    {
        lock (_lock)
        {
            _children.Remove(leader);
            _letGo.Add(mark);
            Write_NeedsLock();
        }
    }

    private void Write_NeedsLock()
    {
        try
        {
            if (table.Find(Environment.ProcessId) is { } self)
            {
                folder.Write(new GatewayRecord(mark, table.Epoch, self.Identity, [.. _children.Values], [.. _letGo]));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The third net has a hole; the first two hold. No reason not to serve.
            Log.NotWritten(logger, e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2011, LogLevel.Warning, "The list of running children could not be written; should the gateway be killed, the next one would not know of them.")]
        public static partial void NotWritten(ILogger logger, Exception exception);
    }
}
