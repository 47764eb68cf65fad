// SPDX-License-Identifier: MIT
// Precompiled header of this folder: LLVM's headers, with its warnings silenced.
//
// The only folder that includes LLVM. Nothing here is visible outside.
#pragma once
#pragma GCC system_header

#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>
