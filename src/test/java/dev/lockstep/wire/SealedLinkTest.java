package dev.lockstep.wire;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.wire.Message.Bye;
import dev.lockstep.wire.Message.Kill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(30)
class SealedLinkTest {
    private static final String TOKEN = "0123456789abcdef0123456789abcdef";

    private ServerSocket server;
    private Socket callerEnd; // the caller's socket and the one it meets, which may be a middle's
    private Socket callerMet;
    private Socket launcherMet; // likewise
    private Socket launcherEnd;

    @BeforeEach
    void connect() throws IOException {
        server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        callerEnd = new Socket(server.getInetAddress(), server.getLocalPort());
        callerMet = server.accept();
        launcherMet = new Socket(server.getInetAddress(), server.getLocalPort());
        launcherEnd = server.accept();
    }

    @AfterEach
    void close() throws IOException {
        for (Socket socket : new Socket[]{callerEnd, callerMet, launcherMet, launcherEnd}) {
            socket.close();
        }
        server.close();
    }

    private interface Opening {
        SealedLink open() throws IOException;
    }

    private static CompletableFuture<SealedLink> opening(Opening opening) {
        CompletableFuture<SealedLink> link = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                link.complete(opening.open());
            } catch (IOException e) {
                link.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return link;
    }

    /** Both ends, with a middle between them that has passed the handshake on unchanged and has all later bytes. */
    private record Pair(SealedLink caller, SealedLink launcher) {}

    private Pair pair() throws Exception {
        CompletableFuture<SealedLink> caller = opening(() -> SealedLink.connect(callerEnd, TOKEN));
        CompletableFuture<SealedLink> launcher = opening(() -> SealedLink.accept(launcherEnd, TOKEN));
        pass(callerMet, launcherMet, 32);
        pass(launcherMet, callerMet, 64);
        pass(callerMet, launcherMet, 32);
        return new Pair(caller.get(), launcher.get());
    }

    private static byte[] pass(Socket from, Socket to, int bytes) throws IOException {
        byte[] passed = from.getInputStream().readNBytes(bytes);
        to.getOutputStream().write(passed);
        return passed;
    }

    /** What a frame with this message is on the link: length, body, tag. */
    private static int length(Message message) throws IOException {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        Frames.write(frame, message);
        return frame.size() + 32;
    }

    @Test
    void messages_goBothWays() throws Exception {
        Pair pair = pair();
        for (int i = 0; i < 3; i++) {
            pair.caller().send(new Bye(i));
            pass(callerMet, launcherMet, length(new Bye(i)));
            assertThat(pair.launcher().read()).isEqualTo(new Bye(i));
            pair.launcher().send(new Kill(i));
            pass(launcherMet, callerMet, length(new Kill(i)));
            assertThat(pair.caller().read()).isEqualTo(new Kill(i));
        }
        callerMet.close();
        assertThat(pair.caller().read()).isNull();
    }

    /** The protocol is what its description says: worked out here with HMAC alone, from bytes on the wire. */
    @Test
    void bytes_areWhatTheProtocolSays() throws Exception {
        CompletableFuture<SealedLink> caller = opening(() -> SealedLink.connect(callerEnd, TOKEN));
        byte[] nonces = Arrays.copyOf(callerMet.getInputStream().readNBytes(32), 64);
        Arrays.fill(nonces, 32, 64, (byte) 7);
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        answer.write(nonces, 32, 32);
        answer.write(
                hmac(TOKEN.getBytes(StandardCharsets.UTF_8), bytes("lockstep: the launcher knows the token"), nonces));
        callerMet.getOutputStream().write(answer.toByteArray());
        assertThat(callerMet.getInputStream().readNBytes(32)).isEqualTo(
                hmac(TOKEN.getBytes(StandardCharsets.UTF_8), bytes("lockstep: the caller knows the token"), nonces));
        byte[] key = hmac(TOKEN.getBytes(StandardCharsets.UTF_8), bytes("lockstep: key to the launcher"), nonces);
        for (int i = 0; i < 2; i++) {
            caller.get().send(new Bye(5));
            byte[] frame = HexFormat.of().parseHex("000000050600000005");
            assertThat(callerMet.getInputStream().readNBytes(9)).isEqualTo(frame);
            assertThat(callerMet.getInputStream().readNBytes(32))
                    .isEqualTo(hmac(key, new byte[]{0, 0, 0, 0, 0, 0, 0, (byte) i}, frame));
        }
    }

    @Test
    void token_isNeverSent() throws Exception {
        CompletableFuture<SealedLink> caller = opening(() -> SealedLink.connect(callerEnd, TOKEN));
        CompletableFuture<SealedLink> launcher = opening(() -> SealedLink.accept(launcherEnd, TOKEN));
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        seen.write(pass(callerMet, launcherMet, 32));
        seen.write(pass(launcherMet, callerMet, 64));
        seen.write(pass(callerMet, launcherMet, 32));
        caller.get().send(new Message.Hello(1, 2, "host"));
        seen.write(pass(callerMet, launcherMet, length(new Message.Hello(1, 2, "host"))));
        assertThat(launcher.get().read()).isEqualTo(new Message.Hello(1, 2, "host"));
        assertThat(seen.toString(StandardCharsets.ISO_8859_1)).contains("host").doesNotContain(TOKEN);
    }

    @Test
    void launcher_thatDoesNotKnowTheToken_hearsNothing() throws Exception {
        CompletableFuture<SealedLink> caller = opening(() -> SealedLink.connect(callerEnd, TOKEN));
        CompletableFuture<SealedLink> launcher = opening(() -> SealedLink.accept(launcherEnd, "another"));
        pass(callerMet, launcherMet, 32);
        pass(launcherMet, callerMet, 64);
        refused(caller, "what listens there is not this job's launcher");
        callerEnd.close();
        assertThat(callerMet.getInputStream().read()).isEqualTo(-1);
        assertThat(launcher).isNotDone();
    }

    @Test
    void caller_thatDoesNotKnowTheToken_isRefused() throws Exception {
        CompletableFuture<SealedLink> launcher = opening(() -> SealedLink.accept(launcherEnd, TOKEN));
        launcherMet.getOutputStream().write(new byte[64]); // a nonce, and no proof
        refused(launcher, "it does not know the job's token");
    }

    /** What a side has said is sent back to it, as its own proof and as messages. */
    @Test
    void reflection_isRefused() throws Exception {
        CompletableFuture<SealedLink> launcher = opening(() -> SealedLink.accept(launcherEnd, TOKEN));
        launcherMet.getOutputStream().write(new byte[32]);
        byte[] answer = launcherMet.getInputStream().readNBytes(64);
        launcherMet.getOutputStream().write(answer, 32, 32);
        refused(launcher, "it does not know the job's token");

        CompletableFuture<SealedLink> caller = opening(() -> SealedLink.connect(callerEnd, TOKEN));
        byte[] nonce = callerMet.getInputStream().readNBytes(32);
        callerMet.getOutputStream().write(nonce);
        callerMet.getOutputStream().write(new byte[32]);
        refused(caller, "what listens there is not this job's launcher");
    }

    @Test
    void messages_sentBackToTheirSender_areRefused() throws Exception {
        Pair pair = pair();
        pair.caller().send(new Bye(1));
        callerMet.getOutputStream().write(callerMet.getInputStream().readNBytes(length(new Bye(1))));
        assertThatThrownBy(pair.caller()::read).isInstanceOf(IOException.class)
                .hasMessage("a frame that is not the other side's next one");
    }

    @ParameterizedTest
    @ValueSource(strings = {"repeated", "swapped", "left out", "changed", "longer", "from an earlier link"})
    void messages_thatAreNotTheNextOnes_areRefused(String how) throws Exception {
        Pair pair = pair();
        int length = length(new Bye(1));
        pair.caller().send(new Bye(1));
        byte[] first = callerMet.getInputStream().readNBytes(length);
        pair.caller().send(new Bye(2));
        byte[] second = callerMet.getInputStream().readNBytes(length);
        byte[] shown = second;
        switch (how) {
            case "repeated" -> {
                launcherMet.getOutputStream().write(first);
                assertThat(pair.launcher().read()).isEqualTo(new Bye(1));
                shown = first;
            }
            case "changed" -> {
                shown = first;
                shown[8] ^= 1;
            }
            case "longer" -> {
                shown = Arrays.copyOf(first, length + 1);
                shown[3]++;
            }
            case "from an earlier link" -> {
                close();
                connect();
                pair = pair();
                shown = first;
            }
            default -> {
                // the second before the first, or without it
            }
        }
        launcherMet.getOutputStream().write(shown);
        assertThatThrownBy(pair.launcher()::read).isInstanceOf(IOException.class)
                .hasMessage("a frame that is not the other side's next one");
    }

    @Test
    void frame_cutAnywhere_isRefused() throws Exception {
        int length = length(new Bye(1));
        for (int cut = 1; cut < length; cut++) {
            Pair pair = pair();
            pair.caller().send(new Bye(1));
            launcherMet.getOutputStream().write(callerMet.getInputStream().readNBytes(cut));
            launcherMet.close();
            assertThatThrownBy(pair.launcher()::read).isInstanceOf(EOFException.class);
            close();
            connect();
        }
    }

    private static void refused(CompletableFuture<SealedLink> opening, String why) {
        assertThatThrownBy(opening::get).isInstanceOf(ExecutionException.class)
                .hasRootCauseInstanceOf(IOException.class).hasRootCauseMessage(why);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] hmac(byte[] key, byte[] head, byte[] text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update(head);
        return mac.doFinal(text);
    }
}
