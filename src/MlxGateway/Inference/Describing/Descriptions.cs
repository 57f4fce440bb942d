namespace MlxGateway.Inference.Describing;

/// <summary>How routes say what they do, so that the description of the API is written where the routes are.</summary>
internal static class Descriptions
{
    /// <summary>Says what the route does.</summary>
    public static RouteHandlerBuilder Says(this RouteHandlerBuilder route, string tag, string summary) => route.WithTags(tag).WithSummary(summary);

    /// <summary>Says what a success looks like.</summary>
    public static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder route, string example) => route.Produces<T>().WithMetadata(new AnswerExample(example));

    /// <summary>Says what the body looks like.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder route, string example) => route.WithMetadata(new BodyExample(example));

    /// <summary>Says what a parameter means.</summary>
    public static RouteHandlerBuilder With(this RouteHandlerBuilder route, string parameter, string meaning) => route.WithMetadata(new ParameterNote(parameter, meaning));

    /// <summary>Says what a failure looks like.</summary>
    public static RouteHandlerBuilder Fails(this RouteHandlerBuilder route, int status, string code, string when) => route.WithMetadata(new ErrorCase(status, code, when));
}
