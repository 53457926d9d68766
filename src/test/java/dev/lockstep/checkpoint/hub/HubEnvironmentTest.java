package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class HubEnvironmentTest {
    @TempDir
    private Path temp;

    @Test
    void cache_isWhereHuggingFaceHasIt() {
        assertThat(cache(Map.of("HOME", "/home/a"))).isEqualTo("/home/a/.cache/huggingface/hub");
        assertThat(cache(Map.of("HOME", "/home/a", "XDG_CACHE_HOME", "/x"))).isEqualTo("/x/huggingface/hub");
        assertThat(cache(Map.of("HF_HOME", "~/hf", "HOME", "/home/a", "XDG_CACHE_HOME", "/x")))
                .isEqualTo("/home/a/hf/hub");
        assertThat(cache(Map.of("HUGGINGFACE_HUB_CACHE", "/c", "HF_HOME", "/hf"))).isEqualTo("/c");
        assertThat(cache(Map.of("HF_HUB_CACHE", "/b", "HUGGINGFACE_HUB_CACHE", "/c"))).isEqualTo("/b");
        assertThat(cache(Map.of("HF_HUB_CACHE", "", "HF_HOME", "/hf"))).isEqualTo("/hf/hub");
    }

    private static String cache(Map<String, String> variables) {
        return HubEnvironment.of(variables).cache().toString();
    }

    @Test
    void token_isTheFirstThatIsThere() throws IOException {
        Path file = Files.writeString(temp.resolve("token"), " hf_file\n");
        Map<String, String> home = Map.of("HF_HOME", temp.toString());
        assertThat(token(home)).isEqualTo("hf_file");
        assertThat(token(Map.of("HF_TOKEN_PATH", file.toString()))).isEqualTo("hf_file");
        assertThat(token(Map.of("HF_HOME", temp.toString(), "HUGGING_FACE_HUB_TOKEN", "hf_b"))).isEqualTo("hf_b");
        assertThat(token(Map.of("HF_TOKEN", "hf_a\n", "HUGGING_FACE_HUB_TOKEN", "hf_b"))).isEqualTo("hf_a");
        assertThat(token(Map.of("HF_TOKEN", " ", "HF_HOME", temp.toString()))).isEqualTo("hf_file");
        assertThat(HubEnvironment.of(Map.of("HF_HOME", temp.resolve("none").toString())).token()).isEmpty();
        assertThatThrownBy(() -> HubEnvironment.of(Map.of("HF_TOKEN", "hf_a\tb")))
                .isInstanceOf(UsageException.class).hasMessageNotContaining("hf_a");
    }

    private static String token(Map<String, String> variables) {
        return HubEnvironment.of(variables).token().orElseThrow().value();
    }

    @ParameterizedTest
    @CsvSource({"1,,true", "true,,true", "ON,,true", "0,,false", "no,1,false", ",YES,true", ",,false"})
    void offline_isReadAsInPython(String hub, String transformers, boolean offline) {
        Map<String, String> variables = Map.of("HF_HUB_OFFLINE", hub == null ? "" : hub, "TRANSFORMERS_OFFLINE",
                transformers == null ? "" : transformers);
        assertThat(HubEnvironment.of(variables).offline().isPresent()).isEqualTo(offline);
    }

    @Test
    void endpoint_mirror() {
        assertThat(HubEnvironment.of(Map.of()).endpoint()).hasToString("https://huggingface.co");
        assertThat(HubEnvironment.of(Map.of("HF_ENDPOINT", "https://mirror.example/hf/")).endpoint())
                .hasToString("https://mirror.example/hf");
    }

    @ParameterizedTest
    @ValueSource(strings = {"mirror.example", "ftp://mirror.example", "https://user:secret@mirror.example", "https://",
            "https://a b"})
    void endpoint_noAddress_isRefusedWithoutQuotingIt(String endpoint) {
        assertThatThrownBy(() -> HubEnvironment.of(Map.of("HF_ENDPOINT", endpoint)))
                .isInstanceOf(UsageException.class).hasMessageStartingWith("HF_ENDPOINT must be the address of a hub")
                .hasMessageNotContaining("secret");
    }

    @Test
    void proxies_byScheme() {
        Proxies proxies = Proxies.of(Map.of("https_proxy", "http://user:pass%2Bword@proxy.example:3128", "HTTP_PROXY",
                "plain.example", "NO_PROXY", "localhost, .example.org"));
        assertThat(at(proxies, "https://huggingface.co/x")).isEqualTo("proxy.example:3128");
        assertThat(at(proxies, "http://huggingface.co/x")).isEqualTo("plain.example:80");
        for (String direct : List.of("https://localhost/", "https://example.org/", "https://hub.example.org:8443/")) {
            assertThat(proxies.select(URI.create(direct))).containsExactly(Proxy.NO_PROXY);
        }
        assertThat(proxies.to(URI.create("https://a")).flatMap(Proxies::credentials)).contains("user:pass+word");
        assertThat(Proxies.of(Map.of("HTTPS_PROXY", "http://p", "no_proxy", "*")).select(URI.create("https://a")))
                .containsExactly(Proxy.NO_PROXY);
        assertThatThrownBy(() -> Proxies.of(Map.of("HTTPS_PROXY", "socks5://user:secret@p")))
                .isInstanceOf(UsageException.class).hasMessageNotContaining("secret");
    }

    private static String at(Proxies proxies, String address) {
        InetSocketAddress proxy = (InetSocketAddress) proxies.select(URI.create(address)).get(0).address();
        return proxy.getHostString() + ":" + proxy.getPort();
    }
}
