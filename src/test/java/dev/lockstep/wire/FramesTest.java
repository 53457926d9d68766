package dev.lockstep.wire;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class FramesTest {
    static Stream<Message> messages() {
        return Stream.of(new Message.Hello(3, 1L << 40, "höst"), new Message.Ports("10.0.0.1", 25000, 65535, "ab"),
                new Message.Table(List.of()),
                new Message.Table(List.of(new Peer(0, "127.0.0.1", 1, 2, "ab"), new Peer(1, "h2", 3, 4, ""))),
                new Message.Failure(137, ""), new Message.Failure(2, "漢字 \u0000 \n"),
                new Message.Progress(1, 2, Long.MAX_VALUE, -1, 3, 0.25), new Message.Doing("lädt", true),
                new Message.Worker(new byte[]{0, -1, 7}, ""), new Message.Worker(new byte[0], "there is none"),
                new Message.Workers(List.of()), new Message.Workers(List.of(new byte[]{1}, new byte[]{-1, 2})),
                new Message.Kept("d/r.jsonl.journal", 7, "go on"), new Message.Bye(0),
                new Message.Bye(-1),
                new Message.Release(), new Message.Joined(true), new Message.AgentHello(1, "h2", -1, 3),
                new Message.Assignment(new HostRanks(List.of(2, 5), 6, 1, 2, "h2"),
                        new JobSpec("auto", new Traffic("tcp", new PortRange(1, 2), true), true,
                                List.of("/a b", "/c/*"), List.of("Main", "--é", ""),
                                new CompiledProgram("a.Main", 17, new byte[]{80, 75, -1}),
                                Map.of("A", "b"),
                                Map.of("C", "d", "E", ""), "/tmp", "10.0.0.0/8", true,
                                new Past("a1", 1, List.of("rank 1 died"))),
                        true),
                new Message.Output(3, 2, true, new byte[]{0, -1, 10}), new Message.Exited(3, 137),
                new Message.Done(3), new Message.Drained(), new Message.End(1, true), new Message.Kill(1),
                new Message.Dismiss(42), new Message.Look(3), new Message.Ran(3, 1L << 40), new Message.Ran(3, -1),
                new Message.Heartbeat(true), new Message.Formed(2, 1, List.of(3, 1)), new Message.Left(2, 1),
                new Message.Position(1, 2, 3, "gather #3", true, 1L << 40), new Message.Waits(List.of()),
                new Message.Late(1, 2, 3, 1L << 40),
                new Message.Waits(List.of(new Message.Wait(3, true, 65535, 1L << 40),
                        new Message.Wait(0, false, 0, 7))));
    }

    private static byte[] bytes(Message message) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Frames.write(out, message);
        return out.toByteArray();
    }

    @ParameterizedTest
    @MethodSource("messages")
    void read_givesWhatWasWritten(Message message) throws IOException {
        ByteArrayInputStream in = new ByteArrayInputStream(bytes(message));
        assertThat(Frames.read(in)).usingRecursiveComparison().isEqualTo(message);
        assertThat(Frames.read(in)).isNull();
    }

    @ParameterizedTest
    @MethodSource("messages")
    void read_refusesAFrameCutAnywhere(Message message) throws IOException {
        byte[] bytes = bytes(message);
        for (int length = 1; length < bytes.length; length++) {
            ByteArrayInputStream cut = new ByteArrayInputStream(bytes, 0, length);
            assertThatThrownBy(() -> Frames.read(cut)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void read_refusesLengthsBeforeItAllocates() {
        for (byte[] head : List.of(new byte[]{0x7f, -1, -1, -1}, new byte[]{-1, -1, -1, -1}, new byte[4],
                "GET / HTTP/1.1".getBytes(StandardCharsets.UTF_8), new byte[]{0, 16, 0, 1})) {
            assertThatThrownBy(() -> Frames.read(new ByteArrayInputStream(head))).isInstanceOf(IOException.class)
                    .hasMessageStartingWith("a frame of ");
        }
    }

    @Test
    void read_refusesUnknownKindsAndBytesTooMany() throws IOException {
        assertThatThrownBy(() -> Frames.read(new ByteArrayInputStream(new byte[]{0, 0, 0, 1, 99})))
                .hasMessage("a frame of unknown kind 99");
        byte[] bye = Arrays.copyOf(bytes(new Message.Bye(0)), 10);
        bye[3]++;
        assertThatThrownBy(() -> Frames.read(new ByteArrayInputStream(bye))).hasMessage("1 bytes too many in a frame");
    }

    @Test
    void write_refusesWhatNobodyWouldRead() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThatThrownBy(() -> Frames.write(out, new Message.Failure(1, "x".repeat(Frames.MAX_BYTES))))
                .isInstanceOf(IOException.class).hasMessageContaining("is over the limit of 1048576");
        assertThat(out.size()).isZero();
    }
}
