namespace MlxGateway.Benchmarks;

/// <summary>How much is measured, and where things are.</summary>
/// <param name="Rounds">How often each figure is measured.</param>
/// <param name="Quick">Whether each measurement is short: for trying the program, not for figures.</param>
/// <param name="GatewayDll">The gateway that is measured.</param>
/// <param name="Folder">A temporary folder that is deleted in the end.</param>
internal sealed record Settings(int Rounds, bool Quick, string GatewayDll, string Folder)
{
    /// <summary>The larger number for figures, the smaller one for a try.</summary>
    public int Pick(int full, int quick) => Quick ? quick : full;
}
