package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

import dev.lockstep.world.World;

/** What the ranks of {@link LaunchIT} and {@link FailureIT} do, named by the first argument. */
public final class Programs {
    private Programs() {}

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "no-world" -> System.out.println("no world " + String.join("|", args));
            case "variable" -> System.out.println(System.getenv("LOCKSTEP_RANK") + " " + System.getenv(args[1]));
            case "environment" -> System.getenv().entrySet().stream().filter(each -> each.getKey().matches(args[1]))
                    .sorted(Map.Entry.comparingByKey()).forEach(System.out::println);
            case "both-streams" -> {
                System.out.println("to stdout");
                System.err.println("to stderr");
            }
            case "orphan" -> orphan(Integer.parseInt(args[1]));
            case "touch" -> Files.createFile(Path.of(args[1]));
            case "no-world-exit" -> System.exit(Integer.parseInt(args[1]));
            case "within-line" -> {
                System.err.print("half a line");
                System.exit(3);
            }
            case "lines" -> lines(Integer.parseInt(args[1]));
            case "late" -> late();
            case "early" -> early();
            case "when" -> when(Path.of(args[1]));
            case "not-closed" -> notClosed(World.init(args));
            case "close-then-exit" -> closeThenExit(World.init(args), Integer.parseInt(args[1]));
            case "no-world-forever" -> {
                System.out.println("ready");
                forever();
            }
            case "closed-then-throw" -> closedThenThrow(World.init(args));
            default -> inWorld(args);
        }
    }

    private static void inWorld(String[] args) throws Exception {
        try (World world = World.init(args)) {
            boolean chosen = world.rank() == world.size() - 1;
            switch (args[0]) {
                case "exit" -> {
                    if (chosen) {
                        System.exit(Integer.parseInt(args[1]));
                    }
                    world.barrier();
                }
                case "throw" -> {
                    if (chosen) {
                        throw new IllegalStateException("on purpose");
                    }
                    world.barrier();
                }
                case "throw-in-thread" -> {
                    if (chosen) {
                        new Thread(() -> {
                            throw new IllegalStateException("in a thread");
                        }).start();
                    }
                    world.barrier();
                    forever();
                }
                case "abort" -> {
                    if (chosen) {
                        world.abort(Integer.parseInt(args[1]), args[2]);
                    }
                    world.barrier();
                }
                case "bye" -> {
                    world.barrier();
                    if (chosen) {
                        world.exit(Integer.parseInt(args[1]));
                    }
                    new ProcessBuilder("sleep", "0.5").start().waitFor(); // is not ended by the other's bye
                    System.out.println("rank " + world.rank() + " finished");
                }
                case "wait" -> {
                    ready(world);
                    if (chosen) {
                        forever();
                    }
                    world.barrier();
                }
                case "child" -> {
                    Process child = new ProcessBuilder("sleep", "1000").start();
                    world.gather(child.pid(), Long.class).ifPresent(pids -> System.out.println("children " + pids));
                    if (chosen) {
                        forever();
                    }
                    world.barrier();
                }
                case "uneven" -> {
                    // small messages are not waited for: the last rank is over long before the middle one sends
                    if (world.rank() == 1) {
                        new ProcessBuilder("sleep", "1.5").start().waitFor();
                    }
                    world.gather(world.rank(), Integer.class)
                            .ifPresent(ranks -> System.out.println("gathered " + ranks));
                }
                case "stdin" -> {
                    String line = world.isRoot()
                            ? new Scanner(System.in, "UTF-8").nextLine()
                            : "then " + System.in.read(); // the other ranks have nothing to read
                    world.gather(line, String.class)
                            .ifPresent(lines -> System.out.println("read " + String.join(", ", lines)));
                }
                case "temporary" -> {
                    String child = shell("mktemp");
                    world.gather(Files.createTempFile("", "") + "\n" + child, String.class)
                            .ifPresent(files -> files.forEach(System.out::println));
                    ready(world);
                    forever();
                }
                case "first-byte" -> world.gather(System.in.read(), Integer.class)
                        .ifPresent(bytes -> System.out.println("read " + bytes));
                case "variables" -> world.gather(args[1] + "=" + System.getenv(args[1]), String.class)
                        .ifPresent(all -> all.forEach(System.out::println));
                case "progress" -> {
                    world.progress(0, 10, 0);
                    world.progress(10, 10, 100);
                    world.barrier();
                }
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    /** All ranks are past init; rank 0 says so. */
    private static void ready(World world) {
        world.gather(world.rank(), Integer.class).ifPresent(ranks -> {
            System.out.println("ready");
            System.out.flush();
        });
    }

    private static void lines(int count) {
        int rank = Integer.parseInt(System.getenv("LOCKSTEP_RANK"));
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append("rank ").append(rank).append(" line ").append(i).append(' ').append("é".repeat(i % 97))
                    .append('\n');
        }
        System.out.print(text);
        System.out.print("rank " + rank + " last, without an end");
        System.out.flush();
    }

    /** Leaves a process behind that is in a session of its own and whose parent is gone. */
    private static void orphan(int code) throws IOException {
        System.out.println("child " + shell("setsid sleep 1000 >/dev/null 2>&1 & echo $!"));
        System.exit(code);
    }

    /** The one line that a command prints. */
    private static String shell(String command) throws IOException {
        return new Scanner(new ProcessBuilder("sh", "-c", command).start().getInputStream(), "UTF-8").nextLine();
    }

    /** Rank 0 joins, rank 1 never does. */
    private static void late() throws InterruptedException {
        if (System.getenv("LOCKSTEP_RANK").equals("0")) {
            World.init(new String[0]);
        }
        forever();
    }

    /** Rank 0 joins at once, rank 1 when the file is there. */
    private static void when(Path file) {
        while (System.getenv("LOCKSTEP_RANK").equals("1") && !Files.exists(file)) {
            LockSupport.parkNanos(5_000_000L);
        }
        World world = World.init(new String[0]);
        world.gather(world.rank(), Integer.class).ifPresent(System.out::println);
        world.close();
    }

    /** Rank 0 joins, rank 1 is over before. */
    private static void early() throws IOException {
        if (System.getenv("LOCKSTEP_RANK").equals("0")) {
            World.init(new String[0]);
        }
    }

    /** main returns, a thread of the program's own works on. */
    private static void notClosed(World world) {
        world.barrier();
        new Thread(() -> System.out.println(world.gather(world.rank(), Integer.class))).start();
    }

    private static void closeThenExit(World world, int code) {
        world.close();
        System.exit(world.rank() == 1 ? code : 0);
    }

    private static void closedThenThrow(World world) throws InterruptedException {
        world.close();
        if (world.rank() == 1) {
            throw new IllegalStateException("after close");
        }
        forever();
    }

    private static void forever() throws InterruptedException {
        new CountDownLatch(1).await();
    }
}
