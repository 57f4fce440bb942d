using System.Runtime.InteropServices;
using System.Text;

namespace MlxGateway.Supervision.Processes;

/// <summary>Reads files of <c>/proc</c>. Most of them vanish or are forbidden in the ordinary course of things, and an exception for each would cost more than the reading.</summary>
internal static unsafe class ProcFile
{
    private const int ReadOnlyCloseOnExec = 0x80000;
    private const int Interrupted = 4;
    private const int LongestUsual = 4096;

    /// <summary>The whole file; null: it cannot be read.</summary>
    public static byte[]? TryRead(string path)
    {
        var descriptor = LibC.open(path, ReadOnlyCloseOnExec);
        if (descriptor < 0)
        {
            return null;
        }

        try
        {
            return ReadAll(descriptor);
        }
        finally
        {
            _ = LibC.close(descriptor);
        }
    }

    /// <summary>The lines of a file, each made by the kernel only when it is asked for: who has found what they look for saves the rest, which for tables of sockets is most of the work. None: it cannot be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="lineLength">How long its lines are, in bytes; others are read too, if less well.</param>
    public static IEnumerable<string> Lines(string path, int lineLength)
    {
        var descriptor = LibC.open(path, ReadOnlyCloseOnExec);
        if (descriptor < 0)
        {
            yield break;
        }

        try
        {
            var buffer = new byte[lineLength];
            var rest = "";
            while (ReadSome(descriptor, buffer) is > 0 and var read)
            {
                rest += Encoding.ASCII.GetString(buffer, 0, read);
                for (var end = rest.IndexOf('\n', StringComparison.Ordinal); end >= 0; end = rest.IndexOf('\n', StringComparison.Ordinal))
                {
                    yield return rest[..end];
                    rest = rest[(end + 1)..];
                }
            }

            if (rest.Length > 0)
            {
                yield return rest;
            }
        }
        finally
        {
            _ = LibC.close(descriptor);
        }
    }

    private static byte[]? ReadAll(int descriptor)
    {
        // Nearly all are shorter than this, and are read often: a buffer for each would be garbage.
        Span<byte> first = stackalloc byte[LongestUsual];
        var length = ReadFully(descriptor, first);
        if (length < LongestUsual)
        {
            return length < 0 ? null : first[..length].ToArray();
        }

        var buffer = new byte[4 * LongestUsual];
        first.CopyTo(buffer);
        while (true)
        {
            var more = ReadFully(descriptor, buffer.AsSpan(length));
            if (more < 0)
            {
                return null;
            }

            length += more;
            if (length < buffer.Length)
            {
                return buffer[..length];
            }

            Array.Resize(ref buffer, buffer.Length * 2);
        }
    }

    /// <returns>How much was read: less than there is room for only at the end of the file; negative: it cannot be read.</returns>
    private static int ReadFully(int descriptor, Span<byte> buffer)
    {
        var length = 0;
        while (length < buffer.Length)
        {
            var read = ReadSome(descriptor, buffer[length..]);
            if (read <= 0)
            {
                return read < 0 ? read : length;
            }

            length += read;
        }

        return length;
    }

    private static int ReadSome(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            nint read;
            do
            {
                read = LibC.read(descriptor, start, (nuint)buffer.Length);
            }
            while (read < 0 && Marshal.GetLastPInvokeError() == Interrupted);
            return (int)read;
        }
    }
}
