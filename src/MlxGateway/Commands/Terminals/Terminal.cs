using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MlxGateway.Commands.Terminals;

/// <summary>Where a command reads and writes, and what that place can do.</summary>
internal sealed class Terminal
{
    private const string Reset = "\e[0m";
    private const int StandardOutput = 1; // POSIX
    private const int BrokenPipe = 32; // EPIPE, on Linux and on macOS

    /// <summary>What scripts read.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>What people read beside it.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>What is typed or piped in.</summary>
    public required TextReader In { get; init; }

    /// <summary>Whether a person reads <see cref="Out"/>.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Whether a person reads <see cref="Error"/>.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>Whether a person types.</summary>
    public bool IsInputTerminal { get; init; }

    /// <summary>Whether colours and lines may be drawn.</summary>
    public bool HasColour { get; init; }

    /// <summary>How many letters fit into a line; null: as many as one likes, for no person reads it.</summary>
    public int? Width { get; init; }

    /// <summary>The one that this process was started in.</summary>
    public static Terminal OfThisProcess()
    {
        var isTerminal = !Console.IsOutputRedirected;
        return new Terminal
        {
            Out = isTerminal ? Console.Out : ToAPipe() ?? Console.Out,
            Error = Console.Error,
            In = Console.In,
            IsTerminal = isTerminal,
            IsErrorTerminal = !Console.IsErrorRedirected,
            IsInputTerminal = !Console.IsInputRedirected,
            HasColour = isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") is not ("dumb" or null),
            Width = isTerminal ? WidthNow() : null,
        };
    }

    /// <summary>Whether nobody reads any more what is written, as behind <c>head</c>.</summary>
    public static bool IsReaderGone(IOException unwritten) => (unwritten.HResult & 0xFFFF) == BrokenPipe;

    /// <summary>Takes out what would steer a terminal: what models and runners write is foreign.</summary>
    public static string Clean(string text)
    {
        if (!text.Any(IsSteering))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            clean.Append(IsSteering(letter) ? '\uFFFD' : letter);
        }

        return clean.ToString();
    }

    /// <summary>Bold, where that can be shown.</summary>
    public string Bold(string text) => Styled(text, "\e[1m");

    /// <summary>Dimmed, where that can be shown.</summary>
    public string Dim(string text) => Styled(text, "\e[2m");

    /// <summary>In the colour of what is well.</summary>
    public string Good(string text) => Styled(text, "\e[32m");

    /// <summary>In the colour of what wants to be looked at.</summary>
    public string Warning(string text) => Styled(text, "\e[33m");

    /// <summary>In the colour of what is wrong.</summary>
    public string Bad(string text) => Styled(text, "\e[31m");

    // The runtime's own writer goes on in silence when the reader of a pipe is gone: what follows a log would do so for ever.
    private static StreamWriter? ToAPipe()
    {
        FileStream? pipe = null;
        try
        {
            pipe = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!pipe.CanSeek)
            {
                return new StreamWriter(pipe, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
            }
        }
        catch (Exception closed) when (closed is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // There is no standard output; whoever writes to it is told.
        }

        pipe?.Dispose();
        return null;
    }

    private static bool IsSteering(char letter) => letter is (< ' ' and not ('\n' or '\t')) or '\x7f' or (>= '\x80' and < '\xa0');

    private static int? WidthNow()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), NumberStyles.None, CultureInfo.InvariantCulture, out var set) && set >= 20)
        {
            return set;
        }

        var width = Console.WindowWidth;
        return width >= 20 ? width : 80; // some say 0 or less
    }

    private string Styled(string text, string style) => HasColour ? style + text + Reset : text;
}
