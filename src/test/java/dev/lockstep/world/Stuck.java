package dev.lockstep.world;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The program of {@link HangIT}: ranks that do not keep step, in the way that the first argument names. */
public final class Stuck {
    private Stuck() {}

    public static void main(String[] args) throws InterruptedException {
        try (World world = World.init(args)) {
            boolean chosen = world.rank() == world.size() - 1;
            world.barrier();
            world.allGather(world.rank(), Integer.class);
            switch (args[0]) {
                case "mismatch" -> {
                    if (chosen) {
                        world.gather("a", String.class);
                    } else {
                        world.barrier();
                    }
                }
                // both wait for the other: no message tells them, only the launcher can
                case "roots" -> world.broadcast("a", String.class, chosen ? 0 : world.size() - 1);
                case "kinds" -> {
                    if (chosen) {
                        world.ints().gather(new int[1]);
                    } else {
                        world.gather("a", String.class);
                    }
                }
                case "late" -> {
                    if (chosen) {
                        forever();
                    }
                    world.barrier();
                }
                case "late-in-group" -> {
                    Group group = world.group(world.rank() == 0 ? 0 : 1);
                    if (chosen) {
                        forever();
                    }
                    group.barrier();
                    world.barrier();
                }
                case "ended" -> {
                    if (!chosen) {
                        world.barrier();
                    }
                }
                case "groups" -> {
                    for (int i = 0; i < 100; i++) {
                        world.group(0).barrier();
                    }
                    world.print("formed");
                    System.out.flush();
                    forever();
                }
                // the last of the groups has the world's tags
                case "tags" -> {
                    Group group = world.group(0);
                    for (int i = 1; i < 2048; i++) {
                        group = world.group(0);
                    }
                    if (chosen) {
                        group.send("a", String.class, 0, 7);
                    } else {
                        world.receive(String.class, world.size() - 1, 7);
                    }
                    world.barrier();
                }
                case "long-work" -> {
                    world.print("at work");
                    System.out.flush();
                    if (chosen) {
                        for (int i = 0; i < 40; i++) {
                            world.alive();
                            // work, not waiting for anything
                            new CountDownLatch(1).await(100, TimeUnit.MILLISECONDS);
                        }
                    }
                    world.barrier();
                    world.print("done");
                }
                case "ready" -> {
                    world.print("ready");
                    System.out.flush();
                    if (chosen) {
                        forever();
                    }
                    world.barrier();
                }
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    private static void forever() throws InterruptedException {
        new CountDownLatch(1).await();
    }
}
