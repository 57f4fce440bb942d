namespace MlxGateway.ToolCalls;

/// <summary>Tells calls of one form from text. It reads one place at a time, and remembers how far it came there until it has decided.</summary>
internal interface ICallReader
{
    /// <summary>Whether a call may begin with this character.</summary>
    bool CanBegin(char first);

    /// <summary>Reads on from a place where a call may begin.</summary>
    /// <param name="text">The text from there: with each call the same and more of it, until it is decided.</param>
    /// <param name="isFront">Whether nothing but calls stands before it in the message.</param>
    /// <param name="isEnd">Whether no more of it will come.</param>
    CallReading Read(ReadOnlySpan<char> text, bool isFront, bool isEnd);
}

/// <summary>What a text begins with.</summary>
internal readonly record struct CallReading
{
    /// <summary>It may still become a call.</summary>
    public static CallReading Undecided => default;

    /// <summary>How many characters are decided; 0: it may still become a call.</summary>
    public int Length { get; private init; }

    /// <summary>The calls that they were; null: they are text.</summary>
    public IReadOnlyList<FoundCall>? Calls { get; private init; }

    /// <summary>It begins with no call.</summary>
    /// <param name="length">How much of it is text for certain, at least one character.</param>
    public static CallReading Text(int length = 1) => new() { Length = length };

    /// <summary>It begins with calls.</summary>
    public static CallReading Of(int length, params IReadOnlyList<FoundCall> calls) => new() { Length = length, Calls = calls };
}
