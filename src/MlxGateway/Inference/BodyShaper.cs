using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>Applies an engine's <see cref="RequestRules"/> and a model's <see cref="RequestFields"/> to a body: finds the edits that make it fit, or says what is wrong with it. One pass over the bytes, no document.</summary>
internal sealed class BodyShaper
{
    private readonly RequestRules _rules;
    private readonly RequestFields _fields;
    private readonly bool _hasFields; // most models have none, and their bodies pay nothing for it
    private readonly string _route;
    private readonly List<BodyEdit> _edits = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    // The members in order: where each begins and ends, and whether it is taken out.
    private readonly List<(long Start, long End, bool IsOut)> _members = [];
    private long _firstMember;
    private GatewayError? _error;

    private BodyShaper(RequestRules rules, RequestFields fields, string route)
    {
        _rules = rules;
        _fields = fields;
        _hasFields = !fields.IsEmpty;
        _route = route;
    }

    /// <summary>Finds the edits. The body has been checked: it is one JSON object.</summary>
    /// <param name="body">The body.</param>
    /// <param name="skipped">How many bytes in front are no JSON.</param>
    /// <param name="rules">What the engine wants.</param>
    /// <param name="fields">What the configuration wants.</param>
    /// <param name="route">The route that the body came by.</param>
    /// <returns>The edits in order and whether they take out every member, or an error.</returns>
    public static (IReadOnlyList<BodyEdit> Edits, bool TakesAll, GatewayError? Error) Shape(in ReadOnlySequence<byte> body, int skipped, RequestRules rules, RequestFields fields, string route)
    {
        var shaper = new BodyShaper(rules, fields, route);
        try
        {
            shaper.Read(body.Slice(skipped), skipped);
        }
        catch (InvalidOperationException)
        {
            // The reader's word for an escape such as \ud800. An engine that is particular about names must not be left to guess at one.
            shaper._error = GatewayError.InvalidRequest("The name of a field, or the type of a part, holds an escape that stands for no character.");
        }

        shaper._error ??= rules.Fields.FirstOrDefault(f => f.RequiredOn.Contains(route) && !shaper._seen.Contains(f.Name)) is { } missing
            ? GatewayError.InvalidRequest($"The field '{missing.Name}' is missing.", missing.Name)
            : null;
        shaper.TakeOut();
        shaper.PutIn();
        shaper._edits.Sort(BodyEdit.InOrder);
        return (shaper._edits, shaper._members.TrueForAll(static m => m.IsOut), shaper._error);
    }

    private void Read(in ReadOnlySequence<byte> body, int skipped)
    {
        var json = new Utf8JsonReader(body, isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        json.Read();
        _firstMember = skipped + json.BytesConsumed;
        while (_error is null && json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var start = skipped + json.TokenStartIndex;
            var name = json.GetString()!;
            var rule = _rules.Fields.FirstOrDefault(f => f.Name == name);
            json.Read();
            var isOut = _hasFields && _fields.Forbidden.Contains(name, StringComparer.Ordinal);
            if (isOut)
            {
                _seen.Add(name);
            }
            else if (_hasFields && ValueFor(name, rule, json.TokenType == JsonTokenType.Null) is { } value)
            {
                _seen.Add(name);
                var from = skipped + json.TokenStartIndex;
                json.Skip();
                _edits.Add(new BodyEdit(from, skipped + json.BytesConsumed - from, value));
            }
            else if (json.TokenType == JsonTokenType.Null)
            {
                isOut = _rules.DropsNulls && name != "model";
            }
            else
            {
                _seen.Add(name);
                isOut = rule is not null && Apply(rule, ref json, skipped);
            }

            json.Skip();
            _members.Add((start, skipped + json.BytesConsumed, isOut));
        }
    }

    // What the configuration says of a field, as the engine takes it; null: the client's own word counts. What only the gateway may decide is nobody else's to set.
    private byte[]? ValueFor(string name, FieldRule? rule, bool isUnsaid)
    {
        var value = rule is { IsDropped: true } ? null : _fields.Forced.Entries.GetValueOrDefault(name) ?? (isUnsaid ? _fields.Defaults.Entries.GetValueOrDefault(name) : null);
        return value is null ? null : Encoding.UTF8.GetBytes(rule is { Shape: FieldShape.Fraction } && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? value + ".0" : value);
    }

    // What nobody named comes in front. A body without any member asks for nothing, and gets nothing.
    private void PutIn()
    {
        if (!_hasFields || _members.Count == 0)
        {
            return;
        }

        foreach (var name in _fields.Forced.Entries.Keys.Concat(_fields.Defaults.Entries.Keys).Where(name => !_seen.Contains(name)))
        {
            if (ValueFor(name, _rules.Fields.FirstOrDefault(f => f.Name == name), isUnsaid: true) is { } value)
            {
                _edits.Add(new BodyEdit(_firstMember, 0, (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(name), .. ":"u8, .. value, .. ","u8]));
            }
        }
    }

    // True: the member is taken out. The reader may be moved, but not out of the value.
    private bool Apply(FieldRule rule, ref Utf8JsonReader json, int skipped)
    {
        if (rule.IsDropped)
        {
            return true;
        }

        if (!Fits(rule.Shape, json))
        {
            _error = GatewayError.InvalidRequest($"The field '{rule.Name}' must be {Describe(rule.Shape)}.", rule.Name);
            return false;
        }

        if (json.TokenType == JsonTokenType.Number && (json.GetDouble() < rule.Min || json.GetDouble() > rule.Max))
        {
            _error = GatewayError.InvalidRequest($"The field '{rule.Name}' is out of its range{Range(rule)}.", rule.Name);
            return false;
        }

        if (rule.Shape == FieldShape.Fraction && json.TryGetInt64(out var whole))
        {
            _edits.Add(new BodyEdit(skipped + json.TokenStartIndex, json.BytesConsumed - json.TokenStartIndex, Encoding.ASCII.GetBytes(FormattableString.Invariant($"{whole}.0"))));
        }

        if (_rules.IsTextOnly && rule.Name == "messages")
        {
            _error = MessageParts.FindOther(json);
        }

        return rule.DroppedUnless is { } member && !HasTrue(json, member);
    }

    private static bool Fits(FieldShape shape, Utf8JsonReader json) => shape switch
    {
        FieldShape.Any => true,
        FieldShape.Never => json.TokenType == JsonTokenType.False,
        FieldShape.Text => json.TokenType == JsonTokenType.String,
        FieldShape.Texts => json.TokenType == JsonTokenType.String || IsListOfTexts(json),
        FieldShape.Boolean => json.TokenType is JsonTokenType.True or JsonTokenType.False,
        FieldShape.WholeNumber => json.TokenType == JsonTokenType.Number && json.TryGetInt64(out _),
        FieldShape.Number or FieldShape.Fraction => json.TokenType == JsonTokenType.Number,
        FieldShape.List => json.TokenType == JsonTokenType.StartArray,
        _ => json.TokenType == JsonTokenType.StartObject,
    };

    // The reader is a copy: it may be moved as one likes.
    private static bool IsListOfTexts(Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.String)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a member of an object is true. The reader, a copy, stands on the object's beginning.</summary>
    public static bool HasTrue(Utf8JsonReader json, string member)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isIt = json.ValueTextEquals(member);
            json.Read();
            if (isIt)
            {
                return json.TokenType == JsonTokenType.True;
            }

            json.Skip();
        }

        return false;
    }

    // Runs of members that go, each with the one comma that goes with it: the one behind, or for the last ones the one before.
    private void TakeOut()
    {
        for (var i = 0; i < _members.Count; i++)
        {
            if (!_members[i].IsOut)
            {
                continue;
            }

            var first = i;
            while (i + 1 < _members.Count && _members[i + 1].IsOut)
            {
                i++;
            }

            var (from, to) = i + 1 < _members.Count ? (_members[first].Start, _members[i + 1].Start)
                : first > 0 ? (_members[first - 1].End, _members[i].End)
                : (_members[first].Start, _members[i].End);
            _edits.RemoveAll(e => e.Offset >= from && e.Offset < to);
            _edits.Add(new BodyEdit(from, to - from, default));
        }
    }

    private static string Describe(FieldShape shape) => shape switch
    {
        FieldShape.Never => "left out",
        FieldShape.Text => "a text",
        FieldShape.Texts => "a text or a list of texts",
        FieldShape.Boolean => "true or false",
        FieldShape.WholeNumber => "a whole number",
        FieldShape.List => "a list",
        FieldShape.Map => "an object",
        _ => "a number",
    };

    private static string Range(FieldRule rule) => (double.IsFinite(rule.Min), double.IsFinite(rule.Max)) switch
    {
        (true, true) => FormattableString.Invariant($", {rule.Min} to {rule.Max}"),
        (true, false) => FormattableString.Invariant($": it must be at least {rule.Min}"),
        _ => FormattableString.Invariant($": it must be at most {rule.Max}"),
    };
}
