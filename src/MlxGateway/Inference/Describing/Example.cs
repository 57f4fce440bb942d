namespace MlxGateway.Inference.Describing;

/// <summary>An example of what a route answers.</summary>
/// <param name="Text">The body. JSON where the route answers that.</param>
/// <param name="Status">The HTTP status that it is the body of.</param>
internal sealed record AnswerExample(string Text, int Status = StatusCodes.Status200OK);

/// <summary>An example of what a route is sent, where its handler reads the body itself.</summary>
/// <param name="Json">The body; its members are the fields that the route knows.</param>
internal sealed record BodyExample(string Json);

/// <summary>What a parameter of a route means.</summary>
/// <param name="Name">Its name in the query or the path.</param>
/// <param name="Meaning">What it means.</param>
internal sealed record ParameterNote(string Name, string Meaning);
