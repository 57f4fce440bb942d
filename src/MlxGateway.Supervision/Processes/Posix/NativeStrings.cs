using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes;

/// <summary>An array of C strings with a null pointer at its end.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly int _count;

    public NativeStrings(IEnumerable<string> strings)
    {
        var list = strings.ToList();
        Pointers = (byte**)NativeMemory.AllocZeroed((nuint)(list.Count + 1), (nuint)sizeof(byte*));
        foreach (var text in list)
        {
            Pointers[_count++] = (byte*)Marshal.StringToCoTaskMemUTF8(text);
        }
    }

    public byte** Pointers { get; }

    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
        {
            Marshal.FreeCoTaskMem((nint)Pointers[i]);
        }

        NativeMemory.Free(Pointers);
    }
}
