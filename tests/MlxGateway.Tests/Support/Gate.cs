namespace MlxGateway.Tests.Support;

/// <summary>A file that demonstration runners wait for: what they are told to hold back goes on once the test opens the gate, and not when a time is over that a slow machine may have slept through.</summary>
public sealed class Gate : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-gate-");

    private string File => Path.Combine(_folder.FullName, "open");

    /// <summary>Arguments of a runner that is not ready before it is open.</summary>
    public string[] Load => ["--load-until", File];

    /// <summary>Arguments of a runner that answers nothing before it is open.</summary>
    public string[] Answer => ["--answer-until", File];

    /// <summary>The same as members of a list in JSON.</summary>
    public string LoadInJson => $"\"--load-until\",\"{File}\"";

    /// <inheritdoc cref="LoadInJson"/>
    public string AnswerInJson => $"\"--answer-until\",\"{File}\"";

    /// <summary>Lets everything go on that waits, and that comes.</summary>
    public void Open() => System.IO.File.WriteAllBytes(File, []);

    /// <summary>Holds back what comes from now on.</summary>
    public void Close() => System.IO.File.Delete(File);

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
