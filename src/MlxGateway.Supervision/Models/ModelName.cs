namespace MlxGateway.Supervision.Models;

/// <summary>What a model may be called.</summary>
internal static class ModelName
{
    /// <summary>What is wrong with a name, as the end of a sentence that begins with it; null if nothing is.</summary>
    public static string? Fault(string name)
    {
        if (name.Length == 0)
        {
            return "is empty";
        }

        if (name[0] == '-')
        {
            return "starts with \"-\", so that programs take it for a switch";
        }

        if (name.Any(char.IsControl))
        {
            return "has a control character in it";
        }

        return char.IsWhiteSpace(name[0]) || char.IsWhiteSpace(name[^1]) ? "has white space around it" : null;
    }
}
