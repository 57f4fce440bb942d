using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes;

/// <summary>Reads files of <c>/proc</c>. Most of them vanish or are forbidden in the ordinary course of things, and an exception for each would cost more than the reading.</summary>
internal static unsafe class ProcFile
{
    private const int ReadOnlyCloseOnExec = 0x80000;
    private const int Interrupted = 4;

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

    private static byte[]? ReadAll(int descriptor)
    {
        var buffer = new byte[4096];
        var length = 0;
        while (true)
        {
            nint read;
            fixed (byte* start = &buffer[length])
            {
                read = LibC.read(descriptor, start, (nuint)(buffer.Length - length));
            }

            if (read < 0 && Marshal.GetLastPInvokeError() != Interrupted)
            {
                return null;
            }

            if (read == 0)
            {
                return buffer[..length];
            }

            length += (int)Math.Max(read, 0);
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }
        }
    }
}
