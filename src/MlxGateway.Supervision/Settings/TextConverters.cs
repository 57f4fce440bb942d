using System.Globalization;

namespace MlxGateway.Supervision.Settings;

/// <summary>Reads a value from its text.</summary>
/// <returns>False if the text does not say a <typeparamref name="T"/>. It never throws.</returns>
public delegate bool TextParser<T>(string text, out T value);

/// <summary>How the text of a setting becomes a value, by type. Rooms add their own types, so that the binder needs to know none of them.</summary>
public sealed class TextConverters
{
    private readonly Dictionary<Type, TextConverter> _byType = [];

    /// <summary>Knows text, truth values, numbers and durations. Enumerations are read by their names without being added.</summary>
    public TextConverters()
    {
        Add("text", "text", static (string text, out string value) =>
        {
            value = text;
            return true;
        });
        Add<bool>("true or false", "true or false", bool.TryParse);
        Add("a whole number", "digits, for example 4", static (string text, out int value) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value));
        Add("a whole number", "digits, for example 4", static (string text, out long value) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value));
        Add("a number", "digits, for example 0.5", static (string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value));

        // Only the whole form: the framework takes "30" for thirty days, and without "c" also "24:00:00" for twenty-four of them.
        Add("a duration", "hours, minutes and seconds, for example \"00:30:00\", or with days \"1.00:00:00\"", static (string text, out TimeSpan value) =>
        {
            value = default;
            return text.AsSpan().Count(':') == 2 && TimeSpan.TryParseExact(text.Trim(), "c", CultureInfo.InvariantCulture, out value);
        });
    }

    /// <summary>Adds a type, or replaces how it is read.</summary>
    /// <param name="noun">What such a value is, as in <c>"lots" is not a size</c>: <c>a size</c>.</param>
    /// <param name="advice">What to write, as in <c>write …</c>, with an example.</param>
    /// <param name="reader">Reads it.</param>
    public TextConverters Add<T>(string noun, string advice, TextParser<T> reader)
    {
        _byType[typeof(T)] = new TextConverter(noun, advice, text => reader(text, out var value) ? value : null);
        return this;
    }

    /// <summary>How a type is read; null if it is not a type that is written as one text.</summary>
    internal TextConverter? For(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum ? ForEnum(plain) : _byType.GetValueOrDefault(plain);
    }

    private static TextConverter ForEnum(Type type)
    {
        var names = Enum.GetNames(type);
        var choice = string.Join(" or ", names.Select(name => $"\"{name}\""));

        // Enum.TryParse would take numbers and lists of names as well. Engines write small_draft.
        return new TextConverter(choice, choice, text => Array.Find(names, name => name.Equals(text.Replace("_", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase)) is { } name ? Enum.Parse(type, name) : null);
    }
}

/// <param name="Noun">What such a value is.</param>
/// <param name="Advice">What to write.</param>
/// <param name="Read">The value, or null if the text does not say one.</param>
internal sealed record TextConverter(string Noun, string Advice, Func<string, object?> Read);
