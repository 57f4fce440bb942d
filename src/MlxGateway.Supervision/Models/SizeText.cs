using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>Lets settings be written as sizes.</summary>
public static class SizeText
{
    /// <summary>Adds <see cref="ByteSize"/> to what the binder can read.</summary>
    public static TextConverters AddSizes(this TextConverters converters) =>
        converters.Add<ByteSize>("a size", "a number with a unit, for example \"18GB\"", ByteSize.TryParse);
}
