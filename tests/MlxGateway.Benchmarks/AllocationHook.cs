using System.Globalization;
using System.Net.Sockets;
using MlxGateway.Benchmarks;

/// <summary>
/// Runs inside the process that is measured, before its <c>Main</c>: the runtime looks for a type of this name, without a namespace, in the assembly that
/// <c>DOTNET_STARTUP_HOOKS</c> names. So the gateway needs no door for measurements.
/// </summary>
internal static class StartupHook
{
    /// <summary>Begins to tell whoever connects what this process has allocated so far.</summary>
    public static void Initialize()
    {
        // Runners inherit the environment: only the process that comes first, the one that was started by us, gets the socket.
        if (Environment.GetEnvironmentVariable(AllocationHook.Variable) is { Length: > 0 } path && !File.Exists(path))
        {
            new Thread(() => Tell(path)) { IsBackground = true }.Start();
        }
    }

    private static void Tell(string path)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        while (true)
        {
            using var client = listener.Accept();
            client.Send(BitConverter.GetBytes(GC.GetTotalAllocatedBytes(precise: true)));
        }
    }
}

namespace MlxGateway.Benchmarks
{
    /// <summary>The outside of the hook.</summary>
    internal static class AllocationHook
    {
        /// <summary>The variable that names the socket.</summary>
        public const string Variable = "MLXGATEWAY_BENCHMARK_ALLOCATIONS";

        /// <summary>The environment that brings the hook into a process.</summary>
        public static (string Name, string Value)[] Environment(string socket) => [("DOTNET_STARTUP_HOOKS", typeof(AllocationHook).Assembly.Location), (Variable, socket)];

        /// <summary>What the process has allocated since its start, in bytes.</summary>
        public static async Task<long> AllocatedAsync(string socket)
        {
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(socket));
            var bytes = new byte[sizeof(long)];
            var read = await client.ReceiveAsync(bytes);
            return read == bytes.Length ? BitConverter.ToInt64(bytes) : throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{read} bytes"));
        }
    }
}
