using System.Buffers;
using System.Text;
using System.Text.Json;
using MlxGateway.Admin.Streams;
using Xunit;

namespace MlxGateway.Tests.Admin;

/// <summary>Lines for readers who may be slow.</summary>
public sealed class LineFeedTests
{
    [Fact]
    public void Add_ReaderDoesNotRead_KeepsTheNewestAndTellsHowManyWereDropped()
    {
        using var feed = new LineFeed(isPlain: false, ["before"]);
        for (var i = 0; i < LineFeed.Most + 1000; i++)
        {
            feed.Add($"line {i}");
        }

        var events = TakeAll(feed);

        Assert.Equal("before", events[0].GetProperty("line").GetString());
        Assert.Equal(1000, events[1].GetProperty("dropped").GetInt64());
        Assert.Equal(Enumerable.Range(1000, LineFeed.Most).Select(i => $"line {i}"), events.Skip(2).Select(e => e.GetProperty("line").GetString()));
        Assert.Empty(TakeAll(feed));
    }

    [Fact]
    public async Task Add_ManyWritersAndOneReader_EveryLineIsToldOrCounted()
    {
        const int Writers = 4;
        const int Each = 20_000;
        using var feed = new LineFeed(isPlain: false, []);
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                feed.Add("x");
            }
        })));
        long told = 0;
        long dropped = 0;
        do
        {
            foreach (var one in TakeAll(feed))
            {
                told += one.TryGetProperty("line", out _) ? 1 : 0;
                dropped += one.TryGetProperty("dropped", out var count) ? count.GetInt64() : 0;
            }
        }
        while (!writing.IsCompleted);
        await writing;
        foreach (var one in TakeAll(feed))
        {
            told += one.TryGetProperty("line", out _) ? 1 : 0;
            dropped += one.TryGetProperty("dropped", out var count) ? count.GetInt64() : 0;
        }

        Assert.Equal(Writers * Each, told + dropped);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("\"quotes\" \\ and \u001b[31mcolour\u001b[0m")]
    [InlineData("ends the event?\r\ndata: {\"line\":\"forged\"}")]
    [InlineData("half \ud800 a character")]
    public void Write_WhateverIsInALine_IsOneEvent(string line)
    {
        using var feed = new LineFeed(isPlain: false, [line]);

        var text = Take(feed);

        Assert.StartsWith("data: {", text, StringComparison.Ordinal);
        Assert.Equal(text.Length - 2, text.IndexOf('\n'));
        Assert.Equal(line.Replace('\ud800', '\ufffd'), JsonDocument.Parse(text["data: ".Length..]).RootElement.GetProperty("line").GetString());
    }

    private static List<JsonElement> TakeAll(LineFeed feed) =>
        [.. Take(feed).Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => JsonDocument.Parse(e["data: ".Length..]).RootElement)];

    private static string Take(LineFeed feed)
    {
        var output = new ArrayBufferWriter<byte>();
        while (feed.TryWrite(output))
        {
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
