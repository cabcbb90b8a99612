namespace OrleansStreaming.Clustering.Tests.Grains;

/// <summary>Each operator and key has an identity of its own, which can be read.</summary>
public sealed class GrainIdentityTests
{
    [Theory]
    [InlineData("user7", "Counter/user7")]
    [InlineData("a/b c", "Counter/a/b c")]
    [InlineData("", "Counter/")]
    [InlineData("50%", "Counter/50%0025")]
    [InlineData("50%0025", "Counter/50%00250025")]
    [InlineData("a\nb\0", "Counter/a%000Ab%0000")]
    [InlineData("é\u00a0\u2028", "Counter/é%00A0%2028")]
    public void A_key_is_readable_and_what_is_not_printable_is_escaped(string key, string expected) => GrainIdentity.Of("Counter", key).ShouldBe(expected);

    [Fact]
    public void Different_keys_have_different_identities()
    {
        string[] keys = ["\ud83d\ude00", "\ud83d\ude01", "\ud83d", "\ude00", "?", "%", "%0025", "\ufffd", " ", "  ", "\t"];
        keys.Select(key => GrainId.Create(GrainIdentity.Type, GrainIdentity.Of("Counter", key))).ShouldBeUnique();
        keys.Select(key => GrainIdentity.Of("Counter", key)).ShouldAllBe(identity => !identity.Contains('\ufffd') || identity == "Counter/\ufffd");
    }
}
