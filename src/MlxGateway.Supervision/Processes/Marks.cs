namespace MlxGateway.Supervision.Processes;

/// <summary>The variables by which a process is recognised as ours wherever it went: children inherit them, whatever group or session they move to.</summary>
internal static class Marks
{
    /// <summary>The same for all children of one gateway; the guard and the next gateway look for it.</summary>
    public const string Gateway = "MLXGATEWAY_MARK";

    /// <summary>Different for every child, so that what one leaves behind can be told from its sisters.</summary>
    public const string Child = "MLXGATEWAY_CHILD";
}
