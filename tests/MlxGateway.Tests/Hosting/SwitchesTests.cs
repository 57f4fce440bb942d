using MlxGateway.Hosting;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Tests.Hosting;

public sealed class SwitchesTests
{
    [Theory]
    [InlineData("")]
    [InlineData("--port 5000")]
    [InlineData("--port=5000 --model=vision --config=file.json")]
    [InlineData("--PORT 5000 --Urls http://localhost")]
    [InlineData("--model vision --MlxGateway:Residency:MaxResident 0 --Logging:LogLevel:Default=Debug")]
    [InlineData("--model -odd")]
    [InlineData("--port -1")] // a bad value is judged where it is read
    public void Check_GoodSwitches_FindsNothing(string args) => Assert.Empty(Check(args));

    [Theory]
    [InlineData("--prot 5000", "--prot: is not a switch; did you mean --port?")]
    [InlineData("--prot=5000", "--prot=5000: is not a switch; did you mean --port?")]
    [InlineData("--something 5", "--something: is not a switch; known are --config, --model, --port, --urls and --Section:Key.")]
    [InlineData("serve", "serve: is no switch; write --config FILE, --model ID, --port N or --Section:Key VALUE.")]
    [InlineData("-port 5000", "-port: is no switch; write --config FILE, --model ID, --port N or --Section:Key VALUE.")]
    [InlineData("-port=5000", "-port=5000: is no switch; write --config FILE, --model ID, --port N or --Section:Key VALUE.")]
    [InlineData("/port=5000", "/port=5000: is no switch; write --config FILE, --model ID, --port N or --Section:Key VALUE.")]
    [InlineData("--port", "--port: needs a value.")]
    [InlineData("--port --model vision", "--port: needs a value.")]
    [InlineData("--MlxGateway:DefaultModel", "--MlxGateway:DefaultModel: needs a value.")]
    public void Check_Mistake_IsNamed(string args, string error) => Assert.Equal(error, Assert.Single(Check(args)));

    [Fact]
    public void Check_SeveralMistakes_AreNamedAllAtOnce() => Assert.Equal(3, Check("--prot 1 serve --model").Count);

    private static List<string> Check(string args)
    {
        var errors = new SettingsErrors();
        Switches.Check(args.Split(' ', StringSplitOptions.RemoveEmptyEntries), errors);
        return [.. errors.All.Select(e => e.ToString())];
    }
}
