namespace MlxGateway.DemoRunner;

/// <summary>One thing that can be asked of the runner, by a command-line switch or by a field of a request's <c>demo</c> object.</summary>
/// <typeparam name="T">The record that it changes.</typeparam>
/// <param name="Name">Its name without dashes in front: <c>die-after</c>. In a body the dashes are underscores.</param>
/// <param name="Argument">What follows it, in one word; null: nothing does, it is on or off.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Apply">The record with the text of the argument in it. Throws <see cref="FormatException"/> for a text that makes no sense.</param>
internal sealed record Switch<T>(string Name, string? Argument, string Help, Func<T, string, T> Apply);
